"""The recommendation: the first line of its table that applies, and a sentence that says what is missing."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal

import pytest

from testruns.gates.judge import judge
from testruns.gates.outcomes import REASONS, Cause, GateOutcome, Judgement, RuleOutcome
from testruns.gates.policy import shipped_policy
from testruns.gates.rule import Severity
from testruns.gates.suite import SEED_SCENARIOS, SUITE
from testruns.gates.verdicts import Verdict
from testruns.recommendation import Recommendation, recommend
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import Plan, advised, execution, judged, sound_run
from testruns.wording import spoken

GO, CONDITIONAL, NO_GO, INCOMPLETE = Recommendation
RULES = {rule.code: rule for rule in shipped_policy().rules}
RULE_OF = {Severity.CRITICAL: RULES["A09"], Severity.MAJOR: RULES["E03"], Severity.WARNING: RULES["C04"]}
SOUND = judged(sound_run())
PARTS = {"full": SUITE, "without load_reality": SEED_SCENARIOS, "one": ("credit_storm",)}


def _judgement(*, severity: Severity, verdict: Verdict, is_blocking: bool, failing: int) -> Judgement:
    """A sound judgement with one rule of this severity set to this verdict and this many of the six scenarios FAIL."""
    sound = SOUND
    changed = RULE_OF[severity]
    rules = tuple(
        dataclasses.replace(outcome, verdict=verdict, is_blocking=is_blocking) if outcome.rule is changed else outcome
        for outcome in sound.rules
    )
    scenarios = {**sound.scenarios, **dict.fromkeys(SEED_SCENARIOS[:failing], Verdict.FAIL)}
    return dataclasses.replace(sound, rules=rules, scenarios=scenarios)


def _expected(
    *, severity: Severity, verdict: Verdict, is_blocking: bool, state: ExecutionState, part: str, failing: int
) -> Recommendation:
    """decisions.md, "Recommendation, first match wins", line by line."""
    fails = verdict is Verdict.FAIL
    is_open = verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR) or (
        verdict is Verdict.WAIVED and severity is Severity.CRITICAL
    )
    table = [
        (part != "full", INCOMPLETE),
        ((fails and severity is Severity.CRITICAL) or (fails and is_blocking) or failing >= 3, NO_GO),
        (state is not ExecutionState.FINISHED or (is_open and severity is not Severity.WARNING), INCOMPLETE),
        (fails and severity is Severity.MAJOR, CONDITIONAL),
        (True, GO),
    ]
    return next(word for applies, word in table if applies)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("state", ExecutionState)
@pytest.mark.parametrize("severity", Severity)
def test_the_first_line_that_applies_decides(severity: Severity, state: ExecutionState, part: str) -> None:
    """Every combination of verdict, severity, blocking, execution state, part of the suite and failed scenarios."""
    executions = [
        execution(scenario, state=state if scenario == "credit_storm" else ExecutionState.FINISHED)
        for scenario in PARTS[part]
    ]
    for verdict, is_blocking, failing in itertools.product(Verdict, (False, True), range(7)):
        case = {"severity": severity, "verdict": verdict, "is_blocking": is_blocking, "failing": failing}
        judgement = _judgement(**case)  # type: ignore[arg-type]

        advice = recommend(plan=Plan(scenarios=PARTS[part]), judgement=judgement, executions=executions)

        expected = _expected(**case, state=state, part=part)  # type: ignore[arg-type]
        assert advice.word is expected, case
        assert advice.text
        assert "%(" not in advice.text


@pytest.mark.parametrize(
    ("executions", "word"),
    [
        (sound_run(), GO),
        (sound_run(execution("approval_race", decision_p95_us="900000")), GO),
        (sound_run(execution("karma_blackout", breaker_opened="0")), CONDITIONAL),
        (sound_run(execution("load_reality", p95_us="600000")), CONDITIONAL),
        (sound_run(execution("load_reality", p95_us="1000000")), NO_GO),
        (sound_run(execution("credit_storm", double_charges="1")), NO_GO),
        (sound_run(execution("load_reality", duration_seconds="30")), INCOMPLETE),
        (sound_run(execution("load_reality", duration_seconds="30", errors="1")), INCOMPLETE),
        (sound_run(execution("load_reality", duration_seconds="30", chain_breaks="1")), NO_GO),
        (sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)), INCOMPLETE),
        (sound_run(execution("ml_chaos", state=ExecutionState.CANCELLED)), INCOMPLETE),
        (sound_run(execution("ml_chaos", state=ExecutionState.ABANDONED)), INCOMPLETE),
        ([execution("credit_storm")], INCOMPLETE),
        ([execution("credit_storm", double_charges="1")], INCOMPLETE),
        ([], INCOMPLETE),
    ],
)
def test_measured_runs_get_their_word(executions: list, word: Recommendation) -> None:  # type: ignore[type-arg]
    """From measurements to the word, through judge and table."""
    assert advised(executions, plan=Plan(scenarios=SUITE)).word is word


def test_a_quick_run_of_a_sound_ledger_says_how_much_soak_is_missing() -> None:
    """The sentence names the missing seconds with their unit."""
    quick = execution(
        "load_reality",
        duration_seconds="30",
        memory_slope_low=None,
        memory_slope=None,
        memory_slope_high=None,
    )

    advice = advised(sound_run(quick))

    assert advice.text == (
        "Not enough was measured for a verdict: 1,770 s of soak missing; no memory trend: the soak of 30 s is not "
        "longer than the warm-up of 300 s, which does not count."
    )
    assert [text["template"] for text in advice.missing] == [
        REASONS[Cause.TOO_SHORT],
        REASONS[Cause.WITHIN_WARMUP],
    ]


def test_a_part_of_the_suite_names_the_missing_scenarios() -> None:
    """The rules that the missing scenarios would have answered are not listed one by one."""
    scenarios = tuple(scenario for scenario in SUITE if scenario not in ("ml_chaos", "load_reality"))

    advice = advised([execution(scenario) for scenario in scenarios], plan=Plan(scenarios=scenarios))

    assert advice.text == (
        "This run can release nothing, because it covers only part of the suite: "
        "2 of 7 scenarios missing (ml_chaos, load_reality)."
    )
    assert len(advice.missing) == 1


def test_a_scenario_that_did_not_finish_is_named_once() -> None:
    """Twenty rules read the crashed scenario; the sentence names it once."""
    advice = advised(sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)))

    assert advice.text == "Not enough was measured for a verdict: scenario ml_chaos did not finish (crashed)."


def test_a_switched_off_injection_is_named_once() -> None:
    """Both rules that need the anomalies are missing for the same reason."""
    executions = [dataclasses.replace(one, anomaly_injection=False) for one in sound_run()]

    assert advised(executions).text == (
        "Not enough was measured for a verdict: the injection of anomalies was switched off."
    )


def test_an_undecided_trend_says_its_interval_beside_its_rule() -> None:
    """A reason that is not understood alone stands beside the rule it stops."""
    wide = execution("load_reality", memory_slope_low="0.02", memory_slope="0.08", memory_slope_high="0.2")

    assert advised(sound_run(wide)).text == (
        "Not enough was measured for a verdict: rule E04 has no answer: the trend in load_reality lies between "
        "0.02 MB/min and 0.2 MB/min, which a longer soak must narrow."
    )


def test_a_no_go_names_the_rules_and_stays_readable() -> None:
    """Four reasons are said, the rest is counted; the smallest list of reasons is one."""
    many = execution(
        "credit_storm", double_charges="3", lost_effects="1", extra_effects="1", chain_breaks="1", duplicate_keys="1"
    )

    text = advised(sound_run(many)).text

    assert text.startswith("Do not release: rule A01 failed (credit_storm measured 3, expected = 0); rule A02 failed")
    assert text.endswith("; 1 more.")


def test_a_blocking_threshold_is_said_in_words() -> None:
    """A major rule that blocks is told apart from one that only fails."""
    assert advised(sound_run(execution("load_reality", p95_us="1200000"))).text == (
        "Do not release: rule E03 is beyond its blocking threshold (load_reality measured 1.2 s, expected < 500 ms)."
    )


def test_three_failed_scenarios_block_although_no_critical_rule_failed() -> None:
    """Three of the seeds' six fail on major rules alone: no release."""
    executions = sound_run(
        execution("synergy_anti_gaming", rewards_capped="0"),
        execution("approval_race", audit_missing="4"),
        execution("karma_blackout", breaker_closed="0"),
    )

    advice = advised(executions)

    assert advice.word is NO_GO
    assert advice.text == (
        "Do not release: 3 of the seeds' 6 scenarios failed (synergy_anti_gaming, approval_race, karma_blackout)."
    )


def test_the_seventh_scenario_does_not_count_among_the_six() -> None:
    """Two of the six and load_reality fail on major rules: conditional, not blocked."""
    executions = sound_run(
        execution("synergy_anti_gaming", rewards_capped="0"),
        execution("approval_race", audit_missing="4"),
        execution("load_reality", errors="1"),
    )

    assert advised(executions).word is CONDITIONAL


def test_go_says_how_many_rules_held_and_how_many_warnings_there_are() -> None:
    """The best word too is explained by figures."""
    assert advised(sound_run(execution("approval_race", decision_p95_us="900000"))).text == (
        "All 33 deciding rules hold in all 7 scenarios. Warnings to read: 1."
    )


def test_a_policy_without_gates_recommends_nothing() -> None:
    """No gate, no question, no GO."""
    policy = dataclasses.replace(shipped_policy(), gates=(), rules=())

    advice = recommend(plan=Plan(), judgement=judge(policy=policy, executions=sound_run()), executions=sound_run())

    assert advice.word is INCOMPLETE
    assert advice.text == "Not enough was measured for a verdict: the policy has no gate."


def test_a_gate_without_rules_stops_a_release() -> None:
    """A gate that asks nothing is missing, and is named."""
    policy = shipped_policy()
    policy = dataclasses.replace(policy, rules=tuple(rule for rule in policy.rules if rule.gate != "D"))

    advice = recommend(plan=Plan(), judgement=judge(policy=policy, executions=sound_run()), executions=sound_run())

    assert advice.text == "Not enough was measured for a verdict: gate D has no rule that decides."


def test_a_waived_critical_rule_is_no_answer() -> None:
    """Correctness cannot be waived, whoever puts the word there."""
    judgement = _judgement(severity=Severity.CRITICAL, verdict=Verdict.WAIVED, is_blocking=False, failing=0)

    advice = recommend(plan=Plan(), judgement=judgement, executions=sound_run())

    assert advice.word is INCOMPLETE
    assert "rule A09 has no answer" in advice.text


def test_a_scenario_that_was_planned_but_never_made_is_missing() -> None:
    """The plan alone does not make a suite whole; executions do."""
    executions = [one for one in sound_run() if one.scenario != "crash_replay"]

    advice = advised(executions, plan=Plan(scenarios=SUITE))

    assert advice.word is INCOMPLETE
    assert "crash_replay" in advice.text


@pytest.mark.parametrize(("word", "code"), [(GO, 0), (NO_GO, 1), (INCOMPLETE, 3), (CONDITIONAL, 6)])
def test_every_word_has_its_exit_code(word: Recommendation, code: int) -> None:
    """The exit codes of design.md 4."""
    assert word.exit_code == code


def test_the_sentence_can_be_said_in_german() -> None:
    """Numbers follow the language; nested texts are translated too."""
    advice = advised(sound_run(execution("load_reality", duration_seconds="30")))
    german = {
        "Not enough was measured for a verdict: %(reasons)s.": "Zu wenig gemessen: %(reasons)s.",
        "%(seconds)s s of soak missing": "%(seconds)s s Dauerlast fehlen",
    }

    said = spoken(
        template=advice.sentence, params=advice.sentence_params, translate=lambda text: german[text], language="de"
    )

    assert said == "Zu wenig gemessen: 1.770 s Dauerlast fehlen."


def test_the_decision_does_not_depend_on_the_order_of_rules() -> None:
    """The table reads sets of verdicts, not positions."""
    executions = sound_run(execution("load_reality", p95_us="600000", duration_seconds="5"))
    judgement = judged(executions)
    turned = dataclasses.replace(judgement, rules=tuple(reversed(judgement.rules)))

    assert recommend(plan=Plan(), judgement=turned, executions=executions).word is INCOMPLETE


def test_a_hand_made_outcome_without_readings_is_still_missing() -> None:
    """An open rule is never silently skipped, even when nothing says why."""
    rule = RULES["B04"]
    outcome = RuleOutcome(
        rule=rule,
        verdict=Verdict.INCONCLUSIVE,
        actual=Decimal(0),
        margin=None,
        is_blocking=False,
        reason=REASONS[Cause.NOT_MEASURED],
        reason_params={"scenario": "synergy_anti_gaming", "measurement": "rewards_beyond_cap"},
        sources=(),
    )
    gates = {"B": GateOutcome(gate="B", verdict=Verdict.INCONCLUSIVE, worst_rule="B04")}
    judgement = Judgement(rules=(outcome,), gates=gates, scenarios={}, findings=())

    advice = recommend(plan=Plan(), judgement=judgement, executions=sound_run())

    assert advice.word is INCOMPLETE
    assert "rule B04 has no answer: synergy_anti_gaming did not report rewards_beyond_cap" in advice.text
