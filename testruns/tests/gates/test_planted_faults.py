"""Every shipped rule turns red on the smallest planted fault, and is green right inside its threshold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testruns.gates.policy import shipped_policy
from testruns.gates.rule import Kind, Severity
from testruns.gates.suite import SUITE
from testruns.gates.verdicts import Verdict
from testruns.tests.gates.builders import execution, judged, outcome_of, sound_run

# rule, scenario, measurement, a value just inside, a value just outside
FAULTS = [
    *(("A01", scenario, "double_charges", "0", "1") for scenario in SUITE),
    *(("A02", scenario, "lost_effects", "0", "1") for scenario in SUITE),
    *(("A03", scenario, "extra_effects", "0", "1") for scenario in SUITE),
    *(("A04", scenario, "missing_schema", "0", "1") for scenario in SUITE),
    *(("A05", scenario, "missing_correlation", "0", "1") for scenario in SUITE),
    *(("A06", scenario, "unresolved_causation", "0", "1") for scenario in SUITE),
    *(("A07", scenario, "duplicate_keys", "0", "1") for scenario in SUITE),
    *(("A08", scenario, "chain_breaks", "0", "1") for scenario in SUITE),
    ("A09", "crash_replay", "acknowledged_events_lost", "0", "1"),
    *(("B01", scenario, "drift_micros_max", "0", "1") for scenario in SUITE),
    *(("B02", scenario, "negative_balances", "0", "1") for scenario in SUITE),
    *(("B03", scenario, "accounts_sum_micros", "0", "1") for scenario in SUITE),
    ("B03", "credit_storm", "accounts_sum_micros", "0", "-1"),
    ("B04", "synergy_anti_gaming", "rewards_beyond_cap", "0", "1"),
    *(("B05", scenario, "state_hashes_distinct", "1", "2") for scenario in SUITE),
    ("B05", "credit_storm", "state_hashes_distinct", "1", "0"),
    ("B06", "synergy_anti_gaming", "rewards_capped", "1", "0"),
    ("C01", "approval_race", "decisions_per_request_min", "1", "0"),
    ("C02", "approval_race", "decisions_per_request_max", "1", "2"),
    ("C03", "approval_race", "audit_missing", "0", "1"),
    ("C04", "approval_race", "decision_p95_us", "99999", "100000"),
    ("D01", "karma_blackout", "operations_failed", "0", "1"),
    ("D01", "ml_chaos", "operations_failed", "0", "1"),
    ("D02", "karma_blackout", "crashes", "0", "1"),
    ("D02", "ml_chaos", "crashes", "0", "1"),
    ("D03", "karma_blackout", "fallback_recorded", "1", "0"),
    ("D04", "karma_blackout", "breaker_opened", "1", "0"),
    ("D05", "karma_blackout", "breaker_closed", "1", "0"),
    ("D06", "ml_chaos", "anomalies_blocked", "0", "1"),
    ("D07", "ml_chaos", "anomalies_missed", "0", "1"),
    ("D08", "ml_chaos", "ci_ppm_min", "300000", "299999"),
    ("D09", "ml_chaos", "ci_ppm_max", "700000", "700001"),
    ("D10", "ml_chaos", "throttle_recovered", "1", "0"),
    ("D11", "ml_chaos", "false_positive_ppm", "10000", "10001"),
    ("E01", "load_reality", "drift_micros_max", "0", "1"),
    ("E03", "load_reality", "p95_us", "499999", "500000"),
    ("E05", "load_reality", "errors", "0", "1"),
    ("E06", "credit_storm", "p95_us", "299999", "300000"),
    ("E07", "credit_storm", "operations_per_second", "100.01", "100"),
    ("E08", "load_reality", "degradation_ppm", "100000", "100001"),
]


@pytest.mark.parametrize(("code", "scenario", "measurement", "inside", "outside"), FAULTS)
def test_a_planted_fault_turns_its_rule_red(
    code: str, scenario: str, measurement: str, inside: str, outside: str
) -> None:
    """The value just beyond the threshold fails the rule, makes one finding and names its source."""
    judgement = judged(sound_run(execution(scenario, figures={measurement: outside})))

    outcome = outcome_of(judgement, code)
    assert outcome.verdict is Verdict.FAIL
    assert [reading.scenario for reading in outcome.sources if reading.verdict is Verdict.FAIL] == [scenario]
    assert [finding.rule_code for finding in judgement.findings].count(code) == 1


@pytest.mark.parametrize(("code", "scenario", "measurement", "inside", "outside"), FAULTS)
def test_a_value_just_inside_is_green(code: str, scenario: str, measurement: str, inside: str, outside: str) -> None:
    """The value at the inner edge of the threshold passes: a rule that is always red says nothing."""
    judgement = judged(sound_run(execution(scenario, figures={measurement: inside})))

    assert outcome_of(judgement, code).verdict is Verdict.PASS
    assert judgement.findings == ()


def test_every_rule_has_its_planted_fault() -> None:
    """No shipped rule is left out of the list above; a trend and a duration have tests of their own below."""
    in_the_list = {fault[0] for fault in FAULTS}

    own_tests = {rule.code for rule in shipped_policy().rules if rule.kind in (Kind.MEMORY, Kind.DURATION)}
    assert in_the_list | own_tests == {rule.code for rule in shipped_policy().rules}
    assert own_tests == {"E02", "E04"}


@pytest.mark.parametrize(("code", "scenario", "measurement", "inside", "outside"), FAULTS)
def test_a_fault_turns_its_gate_red_unless_it_is_a_warning(
    code: str, scenario: str, measurement: str, inside: str, outside: str
) -> None:
    """A warning never turns its gate or its scenario red; everything else does."""
    judgement = judged(sound_run(execution(scenario, figures={measurement: outside})))

    is_warning = outcome_of(judgement, code).rule.severity is Severity.WARNING
    expected = Verdict.PASS if is_warning else Verdict.FAIL
    assert judgement.gates[code[0]].verdict is expected
    assert judgement.scenarios[scenario] is expected
    assert judgement.gates[code[0]].warning_count == int(is_warning)


@pytest.mark.parametrize(
    ("low", "middle", "high", "verdict", "is_blocking"),
    [
        ("-0.01", "0.02", "0.099999", Verdict.PASS, False),
        ("-0.01", "0.02", "0.1", Verdict.INCONCLUSIVE, False),
        ("0.099999", "0.2", "0.3", Verdict.INCONCLUSIVE, False),
        ("0.1", "0.2", "0.3", Verdict.FAIL, False),
        ("0.499999", "0.6", "0.7", Verdict.FAIL, False),
        ("0.5", "0.6", "0.7", Verdict.FAIL, True),
        ("0.3", "0.2", "0.1", Verdict.ERROR, False),
    ],
)
def test_memory_is_judged_by_its_interval(
    low: str, middle: str, high: str, verdict: Verdict, is_blocking: bool
) -> None:
    """PASS needs the whole interval below the threshold, FAIL the whole interval at or above it."""
    changes = {"memory_slope_low": low, "memory_slope": middle, "memory_slope_high": high}

    outcome = outcome_of(judged(sound_run(execution("load_reality", figures=changes))), "E04")

    assert (outcome.verdict, outcome.is_blocking) == (verdict, is_blocking)


@pytest.mark.parametrize("end", ["memory_slope_low", "memory_slope", "memory_slope_high"])
def test_a_trend_without_its_interval_is_inconclusive(end: str) -> None:
    """A slope alone is no answer: all three figures are needed."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", figures={end: None}))), "E04")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.actual is None


@pytest.mark.parametrize(("seconds", "missing"), [("30", 1770), ("1799.5", 1), ("1799", 1), ("0", 1800)])
def test_a_short_soak_is_inconclusive_and_never_a_fault(seconds: str, missing: int) -> None:
    """A soak below the required length says how many seconds are missing."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", duration_seconds=seconds))), "E02")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.reason_params["seconds"] == missing


@pytest.mark.parametrize("seconds", ["1800", "1800.2", "3600"])
def test_a_soak_of_the_required_length_passes(seconds: str) -> None:
    """The required length itself is enough."""
    assert (
        outcome_of(judged(sound_run(execution("load_reality", duration_seconds=seconds))), "E02").verdict
        is Verdict.PASS
    )


@pytest.mark.parametrize(("micros", "is_blocking"), [("500000", False), ("999999", False), ("1000000", True)])
def test_latency_blocks_from_its_blocking_threshold_on(micros: str, is_blocking: bool) -> None:
    """From 500 ms the rule fails, from 1000 ms on it blocks a release."""
    outcome = outcome_of(judged(sound_run(execution("load_reality", p95_us=micros))), "E03")

    assert outcome.verdict is Verdict.FAIL
    assert outcome.is_blocking is is_blocking
    assert outcome.actual == Decimal(micros) / 1000
