"""Waivers laid over judged runs: what they can answer for, what they never can, and that nothing is stored."""

from __future__ import annotations

import pytest

from console.kernel.authority import Role
from console.tests.people import person_with
from testruns.actions import overlay_of
from testruns.gates.measured import MeasuredExecution
from testruns.gates.policy import shipped_policy
from testruns.gates.rule import Kind, Severity
from testruns.gates.verdicts import Verdict
from testruns.models import RuleResult, Run
from testruns.overlay import JudgedRun, overlay, why_not_waivable
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import advised, execution, judged, sound_run
from testruns.tests.policies.judged import judged_run

GATES = shipped_policy().gates
SLOW = execution("load_reality", p95_us="700000")
VERY_SLOW = execution("load_reality", p95_us="1500000")


def of(executions: list[MeasuredExecution]) -> JudgedRun:
    """The executions as a judged run of the whole suite."""
    return JudgedRun(
        scenarios=tuple(one.scenario for one in executions),
        executions=tuple(executions),
        rules=judged(executions).rules,
    )


def verdict_of(run: list[MeasuredExecution], code: str, *waived: str) -> Verdict:
    found = overlay(gates=GATES, runs=[of(run)], waived=waived).judgement.rules
    return next(outcome.verdict for outcome in found if outcome.rule.code == code)


@pytest.mark.parametrize(
    "run",
    [
        sound_run(),
        sound_run(SLOW),
        sound_run(VERY_SLOW),
        sound_run(execution("approval_race", audit_missing=None)),
        sound_run(execution("credit_storm", double_charges="1")),
        sound_run(execution("load_reality", duration_seconds="30")),
        sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)),
        [one for one in sound_run() if one.scenario != "crash_replay"],
    ],
)
def test_without_a_waiver_a_run_keeps_the_advice_it_got(run: list[MeasuredExecution]) -> None:
    """The overlay is the judge's own arithmetic once more, so the empty overlay changes nothing, not even a word."""
    laid = overlay(gates=GATES, runs=[of(run)], waived=())

    assert laid.recommended == advised(run)
    assert laid.judgement.gates == judged(run).gates
    assert laid.waived == ()


def test_a_waiver_turns_a_measured_failure_of_a_major_rule_into_waived_and_conditional_into_go() -> None:
    """The gate shows WAIVED, which is worse than PASS, and the sentence names the rule instead of claiming it holds."""
    laid = overlay(gates=GATES, runs=[of(sound_run(SLOW))], waived={"E03"})

    assert advised(sound_run(SLOW)).word is Recommendation.CONDITIONAL
    assert laid.recommended.word is Recommendation.GO
    assert laid.judgement.gates["E"].verdict is Verdict.WAIVED
    assert laid.waived == ("E03",)
    assert "answers for by a waiver: E03" in laid.recommended.text
    assert laid.judgement.findings == ()


def test_a_waiver_covers_one_rule_and_no_other() -> None:
    """A second failure keeps the advice at CONDITIONAL."""
    both = sound_run(SLOW, execution("approval_race", audit_missing="2"))

    laid = overlay(gates=GATES, runs=[of(both)], waived={"E03"})

    assert laid.recommended.word is Recommendation.CONDITIONAL
    assert laid.judgement.gates["C"].verdict is Verdict.FAIL


def test_a_value_beyond_its_blocking_threshold_can_be_waived_because_it_is_not_about_correctness() -> None:
    """Only what decisions.md names is beyond a waiver: correctness, duration, missing data."""
    assert advised(sound_run(VERY_SLOW)).word is Recommendation.NO_GO

    laid = overlay(gates=GATES, runs=[of(sound_run(VERY_SLOW))], waived={"E03"})

    assert laid.recommended.word is Recommendation.GO


@pytest.mark.parametrize(
    ("code", "planted"),
    [
        ("A01", execution("credit_storm", double_charges="1")),
        ("B01", execution("load_reality", drift_micros_max="5")),
        ("C02", execution("approval_race", decisions_per_request_max="2")),
        ("D02", execution("ml_chaos", crashes="1")),
        ("E01", execution("load_reality", drift_micros_max="5")),
    ],
)
def test_correctness_is_never_waived(code: str, planted: MeasuredExecution) -> None:
    """A waiver for a critical rule changes nothing, wherever it came from."""
    run = sound_run(planted)

    laid = overlay(gates=GATES, runs=[of(run)], waived={code})

    assert verdict_of(run, code, code) is Verdict.FAIL
    assert laid.recommended.word is Recommendation.NO_GO
    assert laid.waived == ()


@pytest.mark.parametrize(
    ("code", "planted"),
    [
        ("E02", execution("load_reality", duration_seconds="30")),
        ("E05", execution("load_reality", errors=None)),
        ("E04", execution("load_reality", memory_slope_low="0.05", memory_slope="0.1", memory_slope_high="0.2")),
        ("E03", execution("load_reality", p95_us="700000", steal_ppm="900000")),
        ("C03", execution("approval_race", state=ExecutionState.CANCELLED)),
    ],
)
def test_what_was_not_measured_is_never_waived(code: str, planted: MeasuredExecution) -> None:
    """Too short, not reported, undecided, too noisy to judge, not finished: no answer stays no answer."""
    laid = overlay(gates=GATES, runs=[of(sound_run(planted))], waived={code})

    assert laid.recommended.word is Recommendation.INCOMPLETE
    assert laid.waived == ()


def test_a_missing_reading_shows_again_behind_a_waived_failure() -> None:
    """A rule that failed in one run and was not measured in the other has no answer once the failure is waived."""
    runs = [of(sound_run(SLOW)), of(sound_run(execution("load_reality", p95_us=None)))]

    before = overlay(gates=GATES, runs=runs, waived=())
    laid = overlay(gates=GATES, runs=runs, waived={"E03"})

    assert before.recommended.word is Recommendation.CONDITIONAL
    assert laid.recommended.word is Recommendation.INCOMPLETE
    assert "p95_us" in laid.recommended.text


def test_of_several_runs_the_worst_counts_per_rule() -> None:
    """Two runs that each failed somewhere else fail in both places together."""
    runs = [of(sound_run(SLOW)), of(sound_run(execution("approval_race", audit_missing="2")))]

    laid = overlay(gates=GATES, runs=runs, waived=())

    assert {gate for gate, one in laid.judgement.gates.items() if one.verdict is Verdict.FAIL} == {"C", "E"}
    assert laid.judgement.scenarios["approval_race"] is Verdict.FAIL


def test_runs_of_different_rules_or_none_at_all_are_refused() -> None:
    """An overlay over nothing would be an answer without a question."""
    whole = of(sound_run())
    part = JudgedRun(scenarios=whole.scenarios, executions=whole.executions, rules=whole.rules[1:])

    with pytest.raises(ValueError, match="no run"):
        overlay(gates=GATES, runs=[], waived=())
    with pytest.raises(ValueError, match="different rules"):
        overlay(gates=GATES, runs=[whole, part], waived=())


def test_the_rules_say_themselves_whether_they_can_be_waived() -> None:
    """What the form that asks for a waiver refuses is exactly what the overlay ignores."""
    rules = shipped_policy().rules

    waivable = {rule.code for rule in rules if not why_not_waivable(rule)}

    assert waivable == {
        rule.code for rule in rules if rule.severity is Severity.MAJOR and rule.kind is not Kind.DURATION
    }
    assert {"E03", "E04", "E05"} <= waivable


@pytest.mark.django_db
def test_waivers_are_laid_over_rows_without_changing_one() -> None:
    """Read back from the database the same run gives the same answers, and its results stay as they were judged."""
    tester = person_with(Role.TESTER)
    executions = sound_run(SLOW, execution("approval_race", audit_missing="1"))
    run = judged_run(executions, requested_by=tester)
    rows = list(RuleResult.objects.values())

    bare = overlay_of(runs=[run], waived=())
    laid = overlay_of(runs=[run], waived={"E03", "C03"})

    assert (bare.recommended.word, bare.recommended.sentence) == (run.recommendation, run.sentence)
    assert bare.recommended.text == advised(executions).text
    assert laid.recommended.word is Recommendation.GO
    assert laid.waived == ("C03", "E03")
    assert list(RuleResult.objects.values()) == rows
    assert Run.objects.get(pk=run.pk).recommendation == "CONDITIONAL"


@pytest.mark.django_db
def test_runs_without_results_have_nothing_to_lay_waivers_over() -> None:
    """A cancelled run was never judged."""
    tester = person_with(Role.TESTER)
    cancelled = judged_run([execution("ml_chaos", state=ExecutionState.CANCELLED)], requested_by=tester)

    with pytest.raises(ValueError, match="has no result for A01"):
        overlay_of(runs=[cancelled], waived=())
