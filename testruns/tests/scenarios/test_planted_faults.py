"""A ledger with a fault is caught.

Each fault turns the measurements that exist for it, and the scenario still reports.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from testruns.tests.scenarios.playing import Played

Play = Callable[..., Played]

FAULTS: list[tuple[str, str, dict[str, Callable[[Decimal], bool]]]] = [
    ("credit_storm", "charges_twice", {"double_charges": lambda value: value > 0}),
    ("credit_storm", "ignores_keys", {"double_charges": lambda value: value > 0}),
    ("credit_storm", "loses_effects", {"lost_effects": lambda value: value > 0}),
    ("credit_storm", "refuses_everything", {"lost_effects": lambda value: value > 0}),
    ("credit_storm", "charges_more", {"extra_effects": lambda value: value > 0}),
    ("credit_storm", "mints", {"extra_effects": lambda value: value > 0}),
    (
        "credit_storm",
        "drifts",
        {"drift_micros_max": lambda value: value == 1, "accounts_sum_micros": lambda value: value == 10},
    ),
    ("credit_storm", "goes_negative", {"negative_balances": lambda value: value > 0}),
    ("credit_storm", "forgets_its_state", {"state_hashes_distinct": lambda value: value == 3}),
    (
        "synergy_anti_gaming",
        "drops_the_cap",
        {
            "rewards_beyond_cap": lambda value: value == 5,
            "rewards_capped": lambda value: value == 0,
            "reward_micros_max": lambda value: value > 500_000_000,
        },
    ),
    ("approval_race", "accepts_two_decisions", {"decisions_per_request_max": lambda value: value > 1}),
    ("approval_race", "tells_everyone_they_won", {"audit_missing": lambda value: value > 0}),
    ("ml_chaos", "blocks_anomalies", {"anomalies_blocked": lambda value: value == 6, "operations_failed": bool}),
    (
        "ml_chaos",
        "dies_of_anomalies",
        {
            "crashes": lambda value: value == 1,
            "operations_failed": lambda value: value > 500,
            "anomalies_blocked": lambda value: value == 6,
        },
    ),
    ("ml_chaos", "does_not_tell_anomalies", {"anomalies_missed": lambda value: value == 6}),
    ("ml_chaos", "marks_everything", {"false_positive_ppm": lambda value: value > 10_000}),
    ("ml_chaos", "stays_throttled", {"throttle_recovered": lambda value: value == 0}),
    (
        "karma_blackout",
        "crashes_without_karma",
        {"crashes": lambda value: value > 0, "operations_failed": lambda value: value > 0},
    ),
    (
        "karma_blackout",
        "dies_without_karma",
        {"crashes": lambda value: value == 1, "operations_failed": lambda value: value == 40},
    ),
    (
        "karma_blackout",
        "keeps_quiet_about_karma",
        {
            "fallback_recorded": lambda value: value == 0,
            "karma_unrecorded": lambda value: value == 50,
            "breaker_opened": lambda value: value == 0,
            "breaker_closed": lambda value: value == 0,
            "recovery_recorded": lambda value: value == 0,
        },
    ),
    ("crash_replay", "loses_events_on_recovery", {"acknowledged_events_lost": lambda value: value > 0}),
    ("crash_replay", "does_not_come_up_again", {"acknowledged_events_lost": lambda value: value > 0}),
    ("load_reality", "leaks", {"memory_slope_low": lambda value: value > 60}),
    ("load_reality", "leaves_files_open", {"open_files_growth": lambda value: value > 100}),
    ("load_reality", "stalls", {"p95_us": lambda value: value > 500_000}),
    ("load_reality", "fails_sometimes", {"errors": lambda value: value > 0}),
    ("load_reality", "follows_late", {"projection_lag_p95_us": lambda value: value > 200_000}),
    (
        "load_reality",
        "drifts",
        {"drift_micros_max": lambda value: value == 1, "accounts_with_drift": lambda value: value == 20},
    ),
]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("refuses_agents", "SetupFailed"), ("breaks_when_closed", "ended with exit code 1")],
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
