"""The judge: what is not measured never passes, the worst counts, noise is no fault."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from testruns.gates.judge import judge
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import REASONS, Cause
from testruns.gates.policy import shipped_policy
from testruns.gates.rule import Injection, Severity
from testruns.gates.suite import SUITE
from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, judged, outcome_of, sound_run, with_unit
from testruns.wording import spoken

RULES = shipped_policy().rules
UNFINISHED = [state for state in ExecutionState if state is not ExecutionState.FINISHED]


def test_a_sound_run_passes_every_rule_gate_and_scenario() -> None:
    """The run all other tests change is green throughout, so each red they see is their own."""
    judgement = judged(sound_run())

    assert {outcome.verdict for outcome in judgement.rules} == {Verdict.PASS}
    assert {gate.verdict for gate in judgement.gates.values()} == {Verdict.PASS}
    assert dict(judgement.scenarios) == dict.fromkeys(SUITE, Verdict.PASS)
    assert list(judgement.scenarios) == list(SUITE)
    assert judgement.findings == ()


def test_every_rule_is_listed_with_every_source_it_read() -> None:
    """Passed rules are listed too, each with where its numbers came from."""
    judgement = judged(sound_run())

    assert [outcome.rule for outcome in judgement.rules] == list(RULES)
    for outcome in judgement.rules:
        assert {(source.scenario, source.measurement) for source in outcome.sources} == set(outcome.rule.sources)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_what_is_not_measured_is_inconclusive(rule) -> None:  # type: ignore[no-untyped-def]
    """Without its measurement a rule has no answer, whatever the other measurements say."""
    scenario, measurement = rule.sources[0]

    outcome = outcome_of(judged(sound_run(execution(scenario, figures={measurement: None}))), rule.code)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.actual is None
    assert outcome.margin is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_scenario_outside_the_run_leaves_its_rules_without_an_answer(rule) -> None:  # type: ignore[no-untyped-def]
    """A run of part of the suite cannot pass a rule that reads the missing part."""
    missing = rule.sources[0].scenario
    executions = [execution(scenario) for scenario in SUITE if scenario != missing]

    outcome = outcome_of(judged(executions), rule.code)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.sources[0].cause is Cause.NOT_REQUESTED
    assert outcome.sources[0].concurrency is None


def test_nothing_measured_at_all_is_inconclusive_everywhere() -> None:
    """No executions: five gates without an answer, no scenario, no finding."""
    judgement = judged([])

    assert {gate.verdict for gate in judgement.gates.values()} == {Verdict.INCONCLUSIVE}
    assert dict(judgement.scenarios) == {}
    assert judgement.findings == ()


def test_an_empty_set_of_rules_is_inconclusive() -> None:
    """A gate that asks nothing answers nothing; a scenario nothing reads is not passed."""
    policy = dataclasses.replace(shipped_policy(), rules=())

    judgement = judge(policy=policy, executions=sound_run())

    assert {gate.verdict for gate in judgement.gates.values()} == {Verdict.INCONCLUSIVE}
    assert {gate.worst_rule for gate in judgement.gates.values()} == {None}
    assert set(judgement.scenarios.values()) == {Verdict.INCONCLUSIVE}


def test_a_gate_of_warnings_alone_is_inconclusive() -> None:
    """Warnings cannot turn a gate red, so they cannot turn it green either."""
    warnings = tuple(rule for rule in RULES if rule.severity is Severity.WARNING)

    judgement = judge(policy=dataclasses.replace(shipped_policy(), rules=warnings), executions=sound_run())

    assert {gate.verdict for gate in judgement.gates.values()} == {Verdict.INCONCLUSIVE}


def test_of_several_sources_the_worst_counts_and_each_is_listed() -> None:
    """One scenario with drift fails the rule; the other six are listed as passed."""
    outcome = outcome_of(judged(sound_run(execution("ml_chaos", drift_micros_max="7"))), "B01")

    assert outcome.verdict is Verdict.FAIL
    assert outcome.actual == 7
    assert [reading.scenario for reading in outcome.sources] == list(SUITE)
    assert [reading.verdict for reading in outcome.sources].count(Verdict.PASS) == 6


def test_the_worst_of_several_failures_is_the_one_shown() -> None:
    """Among failures the one farthest from its threshold is the actual value."""
    executions = sound_run(
        execution("ml_chaos", drift_micros_max="7"), execution("crash_replay", drift_micros_max="90")
    )

    outcome = outcome_of(judged(executions), "B01")

    assert outcome.actual == 90
    assert outcome.margin == -90
    assert outcome.reason_params["scenario"] == "crash_replay"


def test_in_a_sweep_every_level_is_judged_and_the_worst_counts() -> None:
    """Concurrency 300 fails although 50 and 100 pass; the reading names its level."""
    levels = [execution("credit_storm", concurrency=level) for level in (50, 100)]
    executions = sound_run(*levels, execution("credit_storm", concurrency=300, negative_balances="1"))

    judgement = judged(executions)

    outcome = outcome_of(judgement, "B02")
    readings = {
        reading.concurrency: reading.verdict for reading in outcome.sources if reading.scenario == "credit_storm"
    }
    assert readings == {50: Verdict.PASS, 100: Verdict.PASS, 300: Verdict.FAIL}
    assert outcome.verdict is Verdict.FAIL
    assert judgement.scenarios["credit_storm"] is Verdict.FAIL


def test_a_passed_rule_shows_its_smallest_margin() -> None:
    """Among passes the value nearest to the threshold is shown."""
    executions = sound_run(execution("credit_storm"), execution("credit_storm", concurrency=300, p95_us="270000"))

    outcome = outcome_of(judged(executions), "E06")

    assert (outcome.actual, outcome.margin) == (Decimal(270), Decimal("0.1"))


@pytest.mark.parametrize("noise", [{"steal_ppm": "50001"}, {"foreign_load_ppm": "250001"}])
@pytest.mark.parametrize(
    ("code", "scenario", "measurement", "value"),
    [
        ("C04", "approval_race", "decision_p95_us", "900000"),
        ("E03", "load_reality", "p95_us", "2000000"),
        ("E06", "credit_storm", "p95_us", "900000"),
        ("E07", "credit_storm", "operations_per_second", "3"),
        ("E08", "load_reality", "degradation_ppm", "900000"),
    ],
)
def test_a_noisy_machine_makes_a_failed_timing_rule_inconclusive(
    code: str, scenario: str, measurement: str, value: str, noise: dict[str, str]
) -> None:
    """Noise never makes a FAIL, and so never blocks either."""
    executions = sound_run(execution(scenario, figures={measurement: value, **noise}))

    outcome = outcome_of(judged(executions), code)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.is_blocking is False
    assert outcome.reason == REASONS[Cause.NOISY]


def test_noise_at_its_limit_is_not_noisy() -> None:
    """The limit itself still judges."""
    noise = {"steal_ppm": "50000", "foreign_load_ppm": "250000"}

    outcome = outcome_of(judged(sound_run(execution("load_reality", figures={"p95_us": "700000", **noise}))), "E03")

    assert outcome.verdict is Verdict.FAIL


def test_a_pass_on_a_noisy_machine_stays_a_pass() -> None:
    """A figure that holds although the machine was disturbed holds."""
    executions = [execution(scenario, steal_ppm="400000", foreign_load_ppm="900000") for scenario in SUITE]

    assert {outcome.verdict for outcome in judged(executions).rules} == {Verdict.PASS}


def test_noise_excuses_no_fault_in_correctness() -> None:
    """A double charge on a noisy machine is a double charge."""
    executions = sound_run(execution("credit_storm", double_charges="1", steal_ppm="900000"))

    assert outcome_of(judged(executions), "A01").verdict is Verdict.FAIL


def test_noise_that_was_not_measured_is_no_excuse() -> None:
    """Without figures of noise a slow answer fails."""
    slow = execution("load_reality", p95_us="700000", steal_ppm=None, foreign_load_ppm=None)

    assert outcome_of(judged(sound_run(slow)), "E03").verdict is Verdict.FAIL


def test_the_reason_of_noise_says_what_was_not_measured() -> None:
    """Only the steal was measured and is too high: the foreign load prints as not measured."""
    slow = execution("load_reality", p95_us="700000", steal_ppm="80000", foreign_load_ppm=None)

    outcome = outcome_of(judged(sound_run(slow)), "E03")

    said = spoken(template=outcome.reason, params=outcome.reason_params)
    assert "steal 8 %" in said
    assert "foreign load not measured" in said


@pytest.mark.parametrize("noise", ["steal_ppm", "foreign_load_ppm"])
def test_noise_that_is_no_number_is_no_excuse(noise: str) -> None:
    """A NaN neither excuses nor breaks the judging."""
    slow = execution("load_reality", figures={"p95_us": "700000", noise: "NaN"})

    assert outcome_of(judged(sound_run(slow)), "E03").verdict is Verdict.FAIL


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_measurement_that_is_no_number_is_an_error(value: str) -> None:
    """NaN compares with nothing and must not pass by accident."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", errors=value))), "E05")

    assert outcome.verdict is Verdict.ERROR


def test_a_measurement_in_a_foreign_unit_is_an_error() -> None:
    """80,000 of something else must not be read as microseconds."""
    changed = with_unit(execution("load_reality"), name="p95_us", unit="ticks")

    outcome = outcome_of(judged(sound_run(changed)), "E03")

    assert outcome.verdict is Verdict.ERROR
    assert "ticks" in spoken(template=outcome.reason, params=outcome.reason_params)


@pytest.mark.parametrize(
    ("switch", "codes"), [("retry_injection", {"A01", "A07"}), ("anomaly_injection", {"D06", "D07"})]
)
def test_a_switched_off_injection_takes_the_answer_from_the_rules_that_need_it(switch: str, codes: set[str]) -> None:
    """Nothing was injected, so surviving it proves nothing; all other rules are judged."""
    switched_off: dict[str, Any] = {switch: False}
    executions = [dataclasses.replace(one, **switched_off) for one in sound_run()]

    judgement = judged(executions)

    verdicts = {outcome.rule.code: outcome.verdict for outcome in judgement.rules}
    assert {code for code, verdict in verdicts.items() if verdict is Verdict.INCONCLUSIVE} == codes
    assert {verdict for code, verdict in verdicts.items() if code not in codes} == {Verdict.PASS}


def test_a_fault_that_shows_without_the_injection_is_still_a_fault() -> None:
    """Switching the retries off does not hide a double charge."""
    executions = sound_run(execution("credit_storm", retry_injection=False, double_charges="2"))

    assert outcome_of(judged(executions), "A01").verdict is Verdict.FAIL


def test_every_injection_of_a_plan_is_needed_by_some_rule() -> None:
    """An injection no rule needs could be switched off without anyone noticing."""
    assert {rule.needs for rule in RULES if rule.needs} == set(Injection)


@pytest.mark.parametrize("state", UNFINISHED)
def test_an_execution_that_did_not_finish_passes_no_rule(state: ExecutionState) -> None:
    """Good figures of a scenario that did not come to its end count for nothing."""
    judgement = judged(sound_run(execution("crash_replay", state=state)))

    expected = Verdict.ERROR if state is ExecutionState.ERRORED else Verdict.INCONCLUSIVE
    assert outcome_of(judgement, "A09").verdict is expected
    assert outcome_of(judgement, "A09").actual is None
    assert judgement.scenarios["crash_replay"] is expected


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_critical_fault_seen_before_the_end_still_counts(state: ExecutionState) -> None:
    """A double charge measured by an attempt that then died is not forgotten; a major rule is left open."""
    broken = execution("synergy_anti_gaming", state=state, rewards_beyond_cap="1", rewards_capped="0")

    judgement = judged(sound_run(broken))

    assert outcome_of(judgement, "B04").verdict is Verdict.FAIL
    assert outcome_of(judgement, "B06").verdict is not Verdict.FAIL


def test_a_scenario_no_rule_reads_is_still_an_error_when_it_crashed() -> None:
    """An unknown scenario in a run shows its crash, and comes after the known ones."""
    stranger = MeasuredExecution(scenario="stranger", concurrency=1, state=ExecutionState.ERRORED)

    judgement = judged([stranger, *sound_run()])

    assert list(judgement.scenarios) == [*SUITE, "stranger"]
    assert judgement.scenarios["stranger"] is Verdict.ERROR


def test_a_scenario_no_rule_reads_is_never_passed() -> None:
    """Cancelled and read by no rule: nothing is known about it."""
    stranger = MeasuredExecution(scenario="stranger", concurrency=1, state=ExecutionState.CANCELLED)

    assert judged([stranger]).scenarios["stranger"] is Verdict.INCONCLUSIVE


def test_a_switched_off_injection_is_the_reason_also_where_nothing_was_reported() -> None:
    """A scenario that does not report what it did not inject is told apart from one that forgot to measure."""
    silent = execution("ml_chaos", anomaly_injection=False, anomalies_missed=None)

    outcome = outcome_of(judged(sound_run(silent)), "D07")

    assert (outcome.verdict, outcome.sources[0].cause) == (Verdict.INCONCLUSIVE, Cause.INJECTION_OFF)


def test_findings_name_severity_consequence_and_place_critical_ones_first() -> None:
    """One finding per failed rule, with what was measured, what it means and where to look."""
    executions = sound_run(
        execution("ml_chaos", throttle_recovered="0", false_positive_ppm="20000"),
        execution("load_reality", drift_micros_max="5"),
    )

    findings = judged(executions).findings

    assert [(finding.rule_code, finding.severity) for finding in findings] == [
        ("B01", Severity.CRITICAL),
        ("E01", Severity.CRITICAL),
        ("D10", Severity.MAJOR),
        ("D11", Severity.WARNING),
    ]
    said = spoken(template=findings[0].what, params=findings[0].what_params)
    assert said == "Rule B01 failed: load_reality measured 5 micro-credits, expected = 0 micro-credits"
    assert all(finding.impact and finding.where for finding in findings)


def test_a_reading_is_plain_json_for_the_row_of_its_rule() -> None:
    """What a row stores of a reading: exact digits, verdict, cause and the reason as a template."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", p95_us="700000"))), "E03")

    assert outcome.sources[0].as_json() == {
        "scenario": "load_reality",
        "concurrency": 50,
        "measurement": "p95_us",
        "value": "700",
        "verdict": "FAIL",
        "cause": "measured",
        "reason": {
            "template": REASONS[Cause.MEASURED],
            "params": {
                "scenario": "load_reality",
                "measurement": "p95_us",
                "actual": {"value": "700", "unit": "ms"},
                "expected": {"value": "500", "unit": "ms", "operator": "<"},
            },
        },
    }


def test_a_reading_without_a_value_stores_none() -> None:
    """Not measured is null, never 0."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", p95_us=None))), "E03")

    assert outcome.sources[0].as_json()["value"] is None


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_reason_in_words(cause: Cause) -> None:
    """No verdict is left unexplained."""
    assert REASONS[cause]
