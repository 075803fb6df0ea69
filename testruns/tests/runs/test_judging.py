"""Judging and freezing: results follow from measurements once, and then nobody changes them."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.errors import NotAllowed
from console.kernel.models import AuditEntry, Person
from testruns.actions import attempt_again, freeze_run, judge_run, reap
from testruns.actions.closing import close_execution
from testruns.actions.leases import claim
from testruns.actions.protocol import Conversation, Reading
from testruns.actions.refusals import NotToBeAttemptedAgain, RunFrozen, StillDriven, TooLateToAttemptAgain
from testruns.actions.watching import Ending
from testruns.models import Attempt, Finding, GateResult, Measurement, RuleResult, Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState
from testruns.tests.runs.conftest import MakeActor, MakeRun

pytestmark = pytest.mark.django_db


def end(execution: ScenarioExecution, state: ExecutionState, **measurements: int | str) -> None:
    """Bring one execution to its end as the loop does, with these measurements (unit count)."""
    lease = claim(execution_id=execution.pk)
    assert lease is not None
    number = execution.attempt_count + 1
    lease.renew(state=ExecutionState.RUNNING.value, attempt_count=number)
    judge_run(execution.run_id)
    execution.refresh_from_db()
    Attempt.objects.create(execution=execution, number=number)
    said = Conversation(scenario=execution.scenario)
    said.readings = {name: Reading(name=name, value=str(value), unit="count") for name, value in measurements.items()}
    ending = Ending(state=state, error="" if state is ExecutionState.FINISHED else "planted")
    assert close_execution(execution=execution, owner=lease.owner, ending=ending, conversation=said)
    execution.refresh_from_db()


def ended_run(make_run: MakeRun, *states: ExecutionState, **measurements: int) -> Run:
    run = make_run(scenarios=("credit_storm", "approval_race", "load_reality")[: len(states)])
    for execution, state in zip(run.executions.order_by("position"), states, strict=True):
        end(execution, state, **measurements)
    return judge_run(run.pk)


FINISHED, ERRORED = ExecutionState.FINISHED, ExecutionState.ERRORED


def test_a_run_whose_executions_all_finished_is_judged_and_frozen(make_run: MakeRun) -> None:
    """Every rule of the policy has a row, passed or not; the manifest digest binds them."""
    run = ended_run(make_run, FINISHED, FINISHED, double_charges=0)

    rules = RuleResult.objects.filter(run=run)
    content = json.loads(run.manifest)

    assert run.state == RunState.JUDGED.value
    assert run.is_frozen
    assert not run.is_provisional
    assert run.recommendation == "INCOMPLETE"
    assert {one.gate for one in GateResult.objects.filter(run=run)} == {"A", "B", "C", "D", "E"}
    assert rules.count() == len(json.loads(run.policy.content)["rules"])
    assert run.manifest_digest == hashlib.sha256(run.manifest.encode()).hexdigest()
    assert set(content["rules"]) == set(rules.values_list("code", flat=True))
    assert content["policy"] == run.policy.digest


def test_a_planted_double_charge_becomes_a_failed_rule_and_a_finding(make_run: MakeRun) -> None:
    """What the child measured decides; the row says where the number came from."""
    run = ended_run(make_run, FINISHED, double_charges=3)

    rule = RuleResult.objects.get(run=run, question__icontains="charge", verdict="FAIL")
    storm = [source for source in rule.sources if source["scenario"] == "credit_storm"]

    assert (rule.severity, rule.expected, rule.actual, rule.margin) == ("critical", "0", "3", "-3")
    assert storm[0]["value"] == "3"
    assert Finding.objects.filter(run=run, rule_code=rule.code, severity="critical").exists()
    assert run.executions.get().verdict == "FAIL"


def test_what_was_not_measured_is_never_a_pass(make_run: MakeRun) -> None:
    """A scenario that finished without a single number passes nothing."""
    run = ended_run(make_run, FINISHED)

    assert set(RuleResult.objects.filter(run=run).values_list("verdict", flat=True)) == {"INCONCLUSIVE"}
    assert run.recommendation == "INCOMPLETE"


def test_an_unfinished_run_has_a_provisional_recommendation_and_is_not_frozen(make_run: MakeRun) -> None:
    """One error: the report is there, and says that it can still change."""
    run = ended_run(make_run, FINISHED, ERRORED)

    assert run.state == RunState.UNFINISHED.value
    assert run.is_provisional
    assert run.recommendation == "INCOMPLETE"
    assert run.executions.get(state=ERRORED.value).verdict == "ERROR"


def test_judging_again_changes_nothing(make_run: MakeRun) -> None:
    """A run is never silently re-judged, frozen or not."""
    for states in ((FINISHED,), (FINISHED, ERRORED)):
        run = ended_run(make_run, *states)
        before = Run.objects.filter(pk=run.pk).values().get()

        judge_run(run.pk)

        assert Run.objects.filter(pk=run.pk).values().get() == before


FROZEN_STATEMENTS = [
    "UPDATE testruns_run SET recommendation = 'GO'",
    "UPDATE testruns_run SET frozen_at = NULL",
    "UPDATE testruns_run SET version = version + 1",
    "DELETE FROM testruns_run",
    "UPDATE testruns_scenarioexecution SET verdict = 'PASS'",
    "DELETE FROM testruns_scenarioexecution",
    "UPDATE testruns_attempt SET state = 'FINISHED'",
    "DELETE FROM testruns_attempt",
    "UPDATE testruns_measurement SET value = '0'",
    "DELETE FROM testruns_measurement",
    "INSERT INTO testruns_measurement (attempt_id, name, value, unit) SELECT id, 'p', '0', 'c' FROM testruns_attempt",
    "UPDATE testruns_gateresult SET verdict = 'PASS'",
    "DELETE FROM testruns_gateresult",
    "INSERT INTO testruns_gateresult (run_id, gate, verdict, worst_rule) SELECT id, 'Z', 'PASS', '' FROM testruns_run",
    "UPDATE testruns_ruleresult SET verdict = 'PASS'",
    "DELETE FROM testruns_ruleresult",
    "UPDATE testruns_finding SET severity = 'warning'",
    "DELETE FROM testruns_finding",
    "UPDATE testruns_build SET is_clean = 1",
    "DELETE FROM testruns_build",
    "UPDATE testruns_gatepolicy SET content = '{}'",
    "UPDATE testruns_gatepolicy SET digest = 'x'",
    "DELETE FROM testruns_gatepolicy",
]


@pytest.mark.parametrize("statement", FROZEN_STATEMENTS)
def test_raw_sql_cannot_change_a_frozen_run(make_run: MakeRun, statement: str) -> None:
    """Not by UPDATE, DELETE or INSERT, on no table that was judged."""
    ended_run(make_run, FINISHED, double_charges=1)

    with pytest.raises(DatabaseError, match="testruns_"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("model", [Run, ScenarioExecution, Attempt, Measurement, GateResult, RuleResult, Finding])
def test_the_orm_cannot_delete_or_update_a_frozen_run_not_even_in_bulk(make_run: MakeRun, model: Any) -> None:
    """`queryset.update()` and `.delete()` skip save() and signals; they do not skip the database."""
    ended_run(make_run, FINISHED, double_charges=1)
    name = next(
        field.name for field in model._meta.fields if field.name in {"seed", "error", "value", "verdict", "severity"}
    )

    with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
        model.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.update(**{name: 0 if name == "seed" else "x"})


def test_deleting_a_person_takes_no_run_along(make_run: MakeRun) -> None:
    """Keys to people are PROTECT, and the person stays."""
    run = make_run()

    with pytest.raises((ProtectedError, DatabaseError)), transaction.atomic():
        Person.objects.filter(runs=run).delete()

    assert Run.objects.filter(pk=run.pk).exists()


def test_an_errored_scenario_is_attempted_again_alone(make_run: MakeRun, tester: Actor) -> None:
    """The first attempt stays as it was, the finished scenario is not touched, the new judgement is final."""
    run = ended_run(make_run, FINISHED, ERRORED, double_charges=0)
    finished, errored = run.executions.order_by("position")

    queued = attempt_again(actor=tester, execution_id=errored.pk)
    run.refresh_from_db()
    between = (run.state, run.recommendation, run.manifest_digest, RuleResult.objects.filter(run=run).count())
    end(queued, FINISHED, double_charges=0)
    judge_run(run.pk)
    run.refresh_from_db()

    assert queued.attempt_count == 2
    assert between == (RunState.RUNNING.value, "", "", 0)
    assert [one.state for one in errored.attempts.order_by("number")] == [ERRORED.value, FINISHED.value]
    assert finished.attempts.count() == 1
    assert (run.state, run.is_frozen) == (RunState.JUDGED.value, True)
    assert AuditEntry.objects.filter(act="execution.attempt_again", outcome="done").count() == 1


def test_the_last_attempt_is_the_one_that_is_judged(make_run: MakeRun, tester: Actor) -> None:
    """What an attempt measured before it broke decides nothing once another one finished."""
    run = make_run(scenarios=("credit_storm",))
    end(run.executions.get(), ERRORED, double_charges=3)
    judge_run(run.pk)
    queued = attempt_again(actor=tester, execution_id=run.executions.get().pk)
    end(queued, FINISHED, double_charges=0)
    judge_run(run.pk)

    rule = RuleResult.objects.get(run=run, code="A01")

    assert [one["value"] for one in rule.sources if one["scenario"] == "credit_storm"] == ["0"]


def test_both_attempts_stand_in_the_manifest(make_run: MakeRun, tester: Actor) -> None:
    """Nobody retries until it is green unseen."""
    run = ended_run(make_run, ERRORED)
    queued = attempt_again(actor=tester, execution_id=run.executions.get().pk)
    end(queued, FINISHED, double_charges=0)
    run = judge_run(run.pk)

    attempts = json.loads(run.manifest)["attempts"]

    assert [(one["number"], one["state"]) for one in attempts] == [(1, "ERRORED"), (2, "FINISHED")]


def test_what_finished_is_not_attempted_again(make_run: MakeRun, tester: Actor) -> None:
    """A red result is a result; only a new run can answer it."""
    run = ended_run(make_run, FINISHED, ERRORED)
    finished = run.executions.get(state=FINISHED.value)

    with pytest.raises(NotToBeAttemptedAgain, match="finished"):
        attempt_again(actor=tester, execution_id=finished.pk)


def test_a_frozen_run_is_not_attempted_again(make_run: MakeRun, tester: Actor) -> None:
    """Frozen by its day being over or because a release request opened."""
    run = ended_run(make_run, ERRORED)
    assert freeze_run(run_id=run.pk)

    with pytest.raises(RunFrozen):
        attempt_again(actor=tester, execution_id=run.executions.get().pk)


def test_after_a_day_an_unfinished_run_is_final_even_before_the_reaper_came(make_run: MakeRun, tester: Actor) -> None:
    """The rule holds at the act; the reaper only writes it down."""
    run = ended_run(make_run, ERRORED)
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(hours=24, seconds=1))

    with pytest.raises(TooLateToAttemptAgain, match="24 hours"):
        attempt_again(actor=tester, execution_id=run.executions.get().pk)
    reap()
    run.refresh_from_db()

    assert run.is_frozen
    assert run.recommendation == "INCOMPLETE"


def test_a_run_still_executed_by_a_command_is_not_taken_from_it(make_run: MakeRun, tester: Actor) -> None:
    """Two drivers for one run would disturb each other."""
    run = make_run(driver="boot:1:1:token")
    errored = run.executions.order_by("position")[0]
    end(errored, ERRORED)

    with pytest.raises(StillDriven):
        attempt_again(actor=tester, execution_id=errored.pk)


def test_a_reviewer_cannot_attempt_again(make_run: MakeRun, make_actor: MakeActor) -> None:
    """Refused, audited, nothing changed."""
    run = ended_run(make_run, ERRORED)
    execution = run.executions.get()

    with pytest.raises(NotAllowed):
        attempt_again(actor=make_actor("reviewer"), execution_id=execution.pk)

    execution.refresh_from_db()
    refused = AuditEntry.objects.get(act="execution.attempt_again", outcome="refused")
    assert execution.state == ERRORED.value
    assert (refused.code, refused.object) == ("not-allowed", f"execution:{execution.pk}")


def test_a_policy_activated_later_does_not_judge_a_run_that_was_requested_before(make_run: MakeRun) -> None:
    """A run keeps the policy it was requested under (governance: gate policy)."""
    run = make_run(scenarios=("credit_storm",))
    policy = run.policy
    policy.is_active = False
    policy.save(update_fields=["is_active"])
    end(run.executions.get(), FINISHED, double_charges=0)

    run = judge_run(run.pk)

    assert json.loads(run.manifest)["policy"] == policy.digest
