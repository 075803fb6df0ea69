"""A release request freezes what was left unfinished, so that evidence does not move under it."""

from __future__ import annotations

import pytest
from django.db import transaction

from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.tests.people import actor_with
from testruns.actions import attempt_again, freeze_for_release
from testruns.actions.refusals import RunFrozen
from testruns.models import Build, Run
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.policies.judged import judged_run

pytestmark = pytest.mark.django_db

CRASHED = sound_run(execution("ml_chaos", state=ExecutionState.ERRORED))


def test_opening_a_request_freezes_the_unfinished_runs_of_its_build_and_of_no_other() -> None:
    """Frozen, audited with the person who opened the request, and no execution is attempted again."""
    supervisor = actor_with(Role.SUPERVISOR)
    other = Build.objects.create(name="gatehouse", commit="e" * 40, tree_digest="f" * 64, is_clean=True)
    run = judged_run(CRASHED, requested_by=supervisor.person)
    elsewhere = judged_run(CRASHED, requested_by=supervisor.person, build=other)
    judged_run(sound_run(), requested_by=supervisor.person)

    with transaction.atomic():
        frozen = freeze_for_release(actor=supervisor, build=run.build)
        again = freeze_for_release(actor=supervisor, build=run.build)

    entry = AuditEntry.objects.get(act="run.freeze")
    assert (frozen, again) == ((run.pk,), ())
    assert Run.objects.get(pk=run.pk).is_frozen
    assert not Run.objects.get(pk=elsewhere.pk).is_frozen
    assert (entry.object, entry.actor) == (f"run:{run.pk}", supervisor.label)
    with pytest.raises(RunFrozen):
        attempt_again(actor=supervisor, execution_id=run.executions.get(state="ERRORED").pk)
