"""Two people in the same second, and runs that began before a policy changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import GatehouseError
from console.kernel.models import AuditEntry
from console.tests.people import actor_with
from console.tests.racing import at_once
from testruns.actions import activate_policy, active_policy, draft_policy, edit_draft, judge_run, submit_draft
from testruns.models import GatePolicy, PolicyDraft, PolicyEdit, Run
from testruns.policy_editing import PolicyEditing
from testruns.run_states import RunState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.policies.judged import judged_run, waiting_run
from testruns.tests.short_policy import activate_short_policy

THREADS = 8
LONGER = PolicyEditing(values={"release_validity_days": 60})


def codes_of(answers: Sequence[Any]) -> list[str]:
    return sorted(answer.code for answer in answers if isinstance(answer, GatehouseError))


@pytest.mark.django_db(transaction=True)
def test_of_many_people_who_activate_in_the_same_second_one_does() -> None:
    """One new policy, one active, one audit entry; everybody else is told that it is activated."""
    editor = actor_with(Role.ENGINEER)
    draft = draft_policy(actor=editor)
    edit_draft(actor=editor, draft_id=draft.pk, version=1, editing=LONGER)
    draft = submit_draft(actor=editor, draft_id=draft.pk)
    people = [actor_with(Role.SUPERVISOR) for _ in range(THREADS)]

    def activating(actor: Actor) -> Callable[[], GatePolicy]:
        return lambda: activate_policy(actor=actor, draft_id=draft.pk, digest=draft.digest)

    answers = at_once([activating(actor) for actor in people])

    assert len(answers) == THREADS
    assert codes_of(answers) == ["policy-draft-state"] * (THREADS - 1)
    assert GatePolicy.objects.filter(number=2).count() == 1
    assert GatePolicy.objects.filter(code="shipped", is_active=True).count() == 1
    assert AuditEntry.objects.filter(act="policy.activate", outcome="done").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_people_who_begin_a_draft_or_save_it_in_the_same_second_one_does() -> None:
    """One draft with one edit; the others see what came before theirs."""
    people = [actor_with(Role.ENGINEER) for _ in range(THREADS)]
    drafting = at_once([lambda actor=actor: draft_policy(actor=actor) for actor in people])  # type: ignore[misc]
    draft = PolicyDraft.objects.get()

    def editing(actor: Actor, days: int) -> Callable[[], PolicyDraft]:
        change = PolicyEditing(values={"release_validity_days": days})
        return lambda: edit_draft(actor=actor, draft_id=draft.pk, version=1, editing=change)

    saving = at_once([editing(actor, 40 + n) for n, actor in enumerate(people)])

    assert codes_of(drafting) == ["policy-draft-exists"] * (THREADS - 1)
    assert codes_of(saving) == ["policy-draft-changed"] * (THREADS - 1)
    assert PolicyEdit.objects.count() == 1


@pytest.mark.django_db
def test_a_run_that_began_before_is_judged_under_its_own_policy(engineer: Actor, supervisor: Actor) -> None:
    """30 s of soak are too short for the policy the run was requested under, however short the new one is."""
    short_soak = sound_run(execution("load_reality", duration_seconds="30"))
    waiting = waiting_run(short_soak, requested_by=supervisor.person)
    asked_under = waiting.policy
    policy = activate_short_policy(editor=engineer, activator=supervisor)
    Run.objects.filter(pk=waiting.pk).update(state=RunState.RUNNING.value)

    old = judge_run(waiting.pk)
    new = judged_run(short_soak, requested_by=supervisor.person)

    assert (old.policy, old.recommendation) == (asked_under, "INCOMPLETE")
    assert (new.policy, new.recommendation) == (policy, "GO")
    assert new.manifest_digest != old.manifest_digest
    assert policy.digest in new.manifest
    assert asked_under.digest in old.manifest


@pytest.mark.django_db
def test_activating_judges_nothing_again(engineer: Actor, supervisor: Actor) -> None:
    """Runs, their results and their manifests are what they were."""
    run = judged_run(sound_run(execution("load_reality", duration_seconds="30")), requested_by=supervisor.person)
    before = (Run.objects.values().get(pk=run.pk), list(run.rule_results.values()))

    activate_short_policy(editor=engineer, activator=supervisor)
    judge_run(run.pk)

    assert (Run.objects.values().get(pk=run.pk), list(run.rule_results.values())) == before
    assert active_policy() != run.policy


@pytest.mark.django_db
def test_not_even_raw_sql_puts_a_waiting_run_under_another_policy(engineer: Actor, supervisor: Actor) -> None:
    """A run keeps build, policy, seed and the person it was requested by, from its first second on."""
    waiting = waiting_run(sound_run(), requested_by=engineer.person)
    policy = activate_short_policy(editor=engineer, activator=supervisor)
    swaps = {
        "policy_id": policy.pk,
        "requested_by_id": supervisor.person.pk,
        "seed": 7,
    }

    for column, value in swaps.items():
        is_refused = pytest.raises(DatabaseError, match="keeps the build, the policy")
        with is_refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE testruns_run SET {column} = %s WHERE id = %s", [value, waiting.pk])

    assert Run.objects.get(pk=waiting.pk).policy == waiting.policy
