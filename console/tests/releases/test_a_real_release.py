"""One release on runs that really ran: every scenario in a child process, measured, judged, signed, certified."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from console import actions
from console.kernel.models import Person
from console.models import Certificate
from console.release_states import RequestState, Word
from console.releases import standing
from console.tests.browser.rows import make_run
from console.tests.releases.people import decide, make_team, sign_three
from console.tests.releases.runs import clean_build
from testruns.actions import execute
from testruns.gates.rule import Severity
from testruns.models import Build, Run
from testruns.policy_editing import PolicyEditing, RuleEdit
from testruns.tests.short_policy import MEMORY_SLOPE, SHORT, activate_changed_policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PATIENT = Decimal(100_000)  # ms: how fast this machine is just now is not what this test asks
EDITING = PolicyEditing(
    rules={
        "E03": RuleEdit(threshold=PATIENT, blocking=PATIENT, severity=Severity.MAJOR),
        "E04": RuleEdit(threshold=MEMORY_SLOPE, blocking=MEMORY_SLOPE, severity=Severity.MAJOR),
    },
    values=SHORT,
)


def really_run(*, build: Build, by: Person, seed: int) -> Run:
    """The whole suite with the soak of the short policy, each scenario executed to its end."""
    run = make_run(person=by, build=build, soak_seconds=3, profile="full", seed=seed, concurrency=[5])
    for execution in run.executions.order_by("position"):
        execute(execution_id=execution.pk)
    run.refresh_from_db()
    return run


def test_two_real_full_runs_become_a_certified_release() -> None:
    """The short policy is activated by two people; then everything goes its real way."""
    team, others = make_team(), make_team()
    activate_changed_policy(editor=others.engineer, activator=others.supervisor, editing=EDITING)
    build = clean_build()
    runs = [really_run(build=build, by=team.runner.person, seed=seed) for seed in (7, 8)]
    assert [run.recommendation for run in runs] == ["GO", "GO"], [run.sentence_params for run in runs]
    actions.verify_live_journal(actor=team.engineer)

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    decision = decide(request, Word.GO, by=team.supervisor)

    assert standing("5a", now=timezone.now()).state is RequestState.GO
    assert Certificate.objects.get().decision == decision
