"""A ledger with a fault is caught.

Each fault turns the measurements that exist for it, and the scenario still reports.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from testruns.gates.policy import shipped_policy
from testruns.tests.scenarios.playing import Played

Play = Callable[..., Played]

FAULTS: list[tuple[str, str, dict[str, Callable[[Decimal], bool]]]] = [
    ("credit_storm", "faults:charges_twice", {"double_charges": lambda value: value > 0}),
    ("credit_storm", "faults:ignores_keys", {"double_charges": lambda value: value > 0}),
    ("credit_storm", "faults:loses_effects", {"lost_effects": lambda value: value > 0}),
    ("credit_storm", "faults:refuses_everything", {"lost_effects": lambda value: value > 0}),
    ("credit_storm", "faults:charges_more", {"extra_effects": lambda value: value > 0}),
    ("credit_storm", "faults:mints", {"extra_effects": lambda value: value > 0}),
    (
        "credit_storm",
        "faults:drifts",
        {"drift_micros_max": lambda value: value == 1, "accounts_sum_micros": lambda value: value == 10},
    ),
    ("credit_storm", "faults:goes_negative", {"negative_balances": lambda value: value > 0}),
    ("credit_storm", "faults:forgets_its_state", {"state_hashes_distinct": lambda value: value == 3}),
    (
        "credit_storm",
        "faults:crawls",
        {"p95_us": lambda value: value > 300_000, "operations_per_second": lambda value: value < 100},
    ),
    (
        "synergy_anti_gaming",
        "faults:drops_the_cap",
        {
            "rewards_beyond_cap": lambda value: value == 5,
            "rewards_capped": lambda value: value == 0,
            "reward_micros_max": lambda value: value > 500_000_000,
        },
    ),
    ("approval_race", "faults:accepts_two_decisions", {"decisions_per_request_max": lambda value: value > 1}),
    ("approval_race", "faults:tells_everyone_they_won", {"audit_missing": lambda value: value > 0}),
    ("approval_race", "faults:decides_nothing", {"decisions_per_request_min": lambda value: value == 0}),
    ("approval_race", "faults:decides_slowly", {"decision_p95_us": lambda value: value > 100_000}),
    ("approval_race", "forging:forgets_the_schema", {"missing_schema": lambda value: value == 1}),
    ("approval_race", "forging:forgets_the_correlation", {"missing_correlation": lambda value: value == 1}),
    ("approval_race", "forging:names_a_later_cause", {"unresolved_causation": lambda value: value == 1}),
    ("approval_race", "forging:forgets_the_cause", {"audit_missing": lambda value: value == 1}),
    ("approval_race", "forging:repeats_a_key", {"duplicate_keys": lambda value: value == 1}),
    ("approval_race", "forging:breaks_the_chain", {"chain_breaks": lambda value: value > 0}),
    ("ml_chaos", "faults:sees_too_much_order", {"ci_ppm_min": lambda value: value < 300_000}),
    ("ml_chaos", "faults:sees_too_much_chaos", {"ci_ppm_max": lambda value: value > 700_000}),
    ("ml_chaos", "faults:blocks_anomalies", {"anomalies_blocked": lambda value: value == 6, "operations_failed": bool}),
    (
        "ml_chaos",
        "faults:dies_of_anomalies",
        {
            "crashes": lambda value: value == 1,
            "operations_failed": lambda value: value > 500,
            "anomalies_blocked": lambda value: value == 6,
        },
    ),
    ("ml_chaos", "faults:does_not_tell_anomalies", {"anomalies_missed": lambda value: value == 6}),
    ("ml_chaos", "faults:marks_everything", {"false_positive_ppm": lambda value: value > 10_000}),
    ("ml_chaos", "faults:stays_throttled", {"throttle_recovered": lambda value: value == 0}),
    (
        "karma_blackout",
        "faults:crashes_without_karma",
        {"crashes": lambda value: value > 0, "operations_failed": lambda value: value > 0},
    ),
    (
        "karma_blackout",
        "faults:dies_without_karma",
        {"crashes": lambda value: value == 1, "operations_failed": lambda value: value == 40},
    ),
    (
        "karma_blackout",
        "faults:keeps_quiet_about_karma",
        {
            "fallback_recorded": lambda value: value == 0,
            "karma_unrecorded": lambda value: value == 50,
            "breaker_opened": lambda value: value == 0,
            "breaker_closed": lambda value: value == 0,
            "recovery_recorded": lambda value: value == 0,
        },
    ),
    ("crash_replay", "faults:loses_events_on_recovery", {"acknowledged_events_lost": lambda value: value > 0}),
    ("crash_replay", "faults:does_not_come_up_again", {"acknowledged_events_lost": lambda value: value > 0}),
    ("load_reality", "faults:leaks", {"memory_slope_low": lambda value: value > 60}),
    ("load_reality", "faults:leaves_files_open", {"open_files_growth": lambda value: value > 100}),
    ("load_reality", "faults:stalls", {"p95_us": lambda value: value > 500_000}),
    ("load_reality", "faults:tires", {"degradation_ppm": lambda value: value > 100_000}),
    ("load_reality", "faults:fails_sometimes", {"errors": lambda value: value > 0}),
    ("load_reality", "faults:follows_late", {"projection_lag_p95_us": lambda value: value > 200_000}),
    (
        "load_reality",
        "faults:drifts",
        {"drift_micros_max": lambda value: value == 1, "accounts_with_drift": lambda value: value == 20},
    ),
]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("faults:refuses_agents", "SetupFailed"), ("faults:breaks_when_closed", "ended with exit code 1")],
)
def test_a_ledger_a_scenario_cannot_work_with_is_an_error_and_no_result(played: Play, fault: str, reason: str) -> None:
    """Not set up, or not brought to its end: the runner says why on stderr, exits with 1 and never says done."""
    outcome = played("synergy_anti_gaming", fault=fault)

    assert outcome.exit_code == 1
    assert reason in outcome.stderr
    assert not outcome.of_type("done")


@pytest.mark.parametrize(("scenario", "fault", "expected"), FAULTS, ids=[f"{row[0]}-{row[1]}" for row in FAULTS])
def test_a_faulty_ledger_turns_its_measurement_bad(
    played: Play, scenario: str, fault: str, expected: dict[str, Callable[[Decimal], bool]]
) -> None:
    """Whatever a ledger answers, its fault shows in the measurements, and the scenario comes to its end."""
    outcome = played(scenario, fault=fault)

    assert outcome.exit_code == 0, outcome.stderr
    for name, is_bad in expected.items():
        assert is_bad(outcome.measured[name]), f"{name} is {outcome.measured[name]}"


def test_every_measurement_that_a_rule_reads_is_turned_bad_by_a_ledger() -> None:
    """A rule over a figure that no faulty ledger moves is one nobody has seen red; a duration is no ledger's doing."""
    read = {(source.scenario, source.measurement) for rule in shipped_policy().rules for source in rule.sources}
    turned = {name for _scenario, _fault, expected in FAULTS for name in expected}

    assert {name for _scenario, name in read} - turned == {"duration_seconds", "memory_slope"}
    assert "memory_slope_low" in turned


def test_a_ledger_that_dies_before_it_answers_is_said_no_figures_of_its_answers(played: Play) -> None:
    """Nothing answered in no time, no score between 0 and 1, none of no amounts marked: none of it was measured."""
    outcome = played("ml_chaos", fault="faults:dies_of_the_first_order")

    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.measured["crashes"] == 1
    assert outcome.measured["operations"] == 0
    of_answers = {"p50_us", "p95_us", "p99_us", "p999_us", "max_us"}
    of_samples = {"false_positive_ppm", "ci_ppm_min", "ci_ppm_max", "ci_drift_ppm_max", "throttle_recovered"}
    assert not (of_answers | of_samples) & set(outcome.measured)


def test_a_ledger_that_never_recovers_has_no_slowest_recovery(played: Play) -> None:
    """It is not one of 0 ms."""
    outcome = played("crash_replay", fault="faults:does_not_come_up_again")

    assert outcome.measured["kills"] == 1
    assert "recovery_ms_max" not in outcome.measured
