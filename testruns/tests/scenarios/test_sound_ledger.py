"""The product's ledger in every scenario, small: everything is measured, and what must be right is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testruns.scenarios import SCENARIOS
from testruns.scenarios.crash_replay import KILLS_LONG
from testruns.tests.scenarios.playing import Played

Play = Callable[..., Played]
Sound = Callable[[str], Played]

JOURNAL_NAMES = {
    "double_charges",
    "lost_effects",
    "extra_effects",
    "missing_schema",
    "missing_correlation",
    "unresolved_causation",
    "duplicate_keys",
    "chain_breaks",
    "drift_micros_max",
    "negative_balances",
    "accounts_sum_micros",
    "state_hashes_distinct",
    "steal_ppm",
    "foreign_load_ppm",
    "operations",
    "operations_per_second",
    "accepted_per_second",
    "refused_per_second",
    "load_ms",
    "accounts_checked",
    "accounts_with_drift",
    "p50_us",
    "p95_us",
    "p99_us",
    "p999_us",
    "errors",
}
OWN_NAMES = {
    "credit_storm": {"refused_insufficient", "repeated_answers"},
    "synergy_anti_gaming": {"rewards_beyond_cap", "rewards_capped", "reward_micros_max"},
    "approval_race": {
        "decisions_per_request_min",
        "decisions_per_request_max",
        "already_decided",
        "audit_missing",
        "decision_p95_us",
        "requests",
    },
    "karma_blackout": {
        "operations_failed",
        "crashes",
        "fallback_recorded",
        "breaker_opened",
        "breaker_closed",
        "recovery_recorded",
    },
    "ml_chaos": {
        "operations_failed",
        "crashes",
        "anomalies_blocked",
        "anomalies_missed",
        "anomalies_marked",
        "false_positive_ppm",
        "ci_ppm_min",
        "ci_ppm_max",
        "throttle_recovered",
    },
    "crash_replay": {"acknowledged_events_lost", "recovery_ms_max", "kills"},
    "load_reality": {
        "duration_seconds",
        "memory_slope_low",
        "memory_slope",
        "memory_slope_high",
        "degradation_ppm",
        "projection_lag_p50_us",
        "projection_lag_p95_us",
        "projection_lag_p99_us",
        "projection_lag_max_us",
        "projection_looks",
        "seals",
        "events_from_snapshot",
        "open_files_growth",
        "offered_rate",
    },
}
ZERO = (
    "double_charges",
    "lost_effects",
    "extra_effects",
    "missing_schema",
    "missing_correlation",
    "unresolved_causation",
    "duplicate_keys",
    "chain_breaks",
    "drift_micros_max",
    "negative_balances",
    "accounts_sum_micros",
    "accounts_with_drift",
    "errors",
)
SAMPLE_FIELDS = {
    "type",
    "elapsed_ms",
    "operations",
    "refused",
    "errors",
    "offered",
    "p50_us",
    "p95_us",
    "p99_us",
    "p999_us",
    "max_us",
    "rss_anon_bytes",
    "open_files",
    "sockets",
    "steal_ppm",
    "foreign_load_ppm",
}


def assert_sound(outcome: Played, scenario: str) -> None:
    """The scenario came to its end, and nothing that gates A and B forbid was measured."""
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.of_type("done")
    assert {name: outcome.measured[name] for name in ZERO} == dict.fromkeys(ZERO, 0), scenario
    assert outcome.measured["state_hashes_distinct"] == 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_sound_ledger_is_measured_in_full_and_found_sound(sound: Sound, scenario: str) -> None:
    """Every measurement that rules may read exists, in the unit it was declared with, and speaks for the ledger."""
    outcome = sound(scenario)

    assert_sound(outcome, scenario)
    assert set(outcome.measured) >= JOURNAL_NAMES | OWN_NAMES[scenario]
    units = {spec.name: spec.unit for spec in SCENARIOS[scenario].measures}
    for kill in range(int(outcome.measured.get("kills", 0)) + 1, KILLS_LONG + 1):
        units.pop(f"recovery_ms_{kill}", None)  # a short run kills less often
    assert {message["name"]: message["unit"] for message in outcome.of_type("measurement")} == units
    assert all(set(sample) == SAMPLE_FIELDS for sample in outcome.of_type("sample"))
    assert all(type(value) is int for sample in outcome.of_type("sample") for value in list(sample.values())[1:])
    assert outcome.of_type("sample")[-1]["rss_anon_bytes"] > 1_000_000


def test_the_storm_spends_everything_and_hears_the_first_answer_again(sound: Sound) -> None:
    """Ten agents with 1000 credits cannot pay for 18 workers; every tenth order comes twice and counts once."""
    outcome = sound("credit_storm")

    assert outcome.measured["refused_insufficient"] > 0
    assert outcome.measured["repeated_answers"] > 0
    assert outcome.measured["operations"] > (10 + 2 * 4) * 20


def test_the_storm_tells_what_it_carried_out_from_what_it_refused(sound: Sound) -> None:
    """Accepted and refused are counted apart over the same seconds, and together they are all operations."""
    measured = sound("credit_storm").measured

    accepted, refused = measured["accepted_per_second"], measured["refused_per_second"]
    assert accepted > 0
    assert refused > 0
    assert 0 <= measured["operations_per_second"] - accepted - refused <= 1
    assert abs(refused - measured["refused"] * 1000 / measured["load_ms"]) <= refused / 20


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_account_is_told_with_what_it_holds(sound: Sound, scenario: str) -> None:
    """Agents and system accounts by name, each held against the journal."""
    outcome = sound(scenario)

    told = outcome.of_type("account")
    assert len(told) == outcome.measured["accounts_checked"]
    assert all(one["live_micros"] == one["journal_micros"] and one["drift_micros"] == 0 for one in told)
    assert sum(one["live_micros"] for one in told) == 0


def test_another_process_has_what_was_answered(sound: Sound) -> None:
    """A reader of its own looked a few times a second and had every order in its balances."""
    measured = sound("load_reality").measured

    assert 5 <= measured["projection_looks"] <= 3 * 4
    lags = [measured[f"projection_lag_{name}_us"] for name in ("p50", "p95", "p99", "max")]
    assert lags == sorted(lags)
    assert lags[0] > 0


def test_the_cap_is_reached_and_kept(sound: Sound) -> None:
    """Five agents try for several times the cap: they get exactly it, and the journal says what was cut."""
    outcome = sound("synergy_anti_gaming")

    assert outcome.measured["rewards_beyond_cap"] == 0
    assert outcome.measured["rewards_capped"] >= 1
    assert outcome.measured["reward_micros_max"] == 500_000_000


def test_exactly_one_of_ten_deciders_wins_each_race(sound: Sound) -> None:
    """A hundred requests, one decision each; the other nine hear that it is decided already."""
    outcome = sound("approval_race")

    assert outcome.measured["decisions_per_request_min"] == outcome.measured["decisions_per_request_max"] == 1
    assert outcome.measured["already_decided"] == 900
    assert outcome.measured["audit_missing"] == 0


def test_credits_survive_a_karma_that_hangs_lies_dies_and_comes_back(sound: Sound) -> None:
    """Fifty of fifty orders, forty at most on the fallback, breaker opened and closed."""
    outcome = sound("karma_blackout")

    assert outcome.measured["operations_failed"] == outcome.measured["crashes"] == 0
    assert outcome.measured["operations"] == 50
    assert outcome.measured["fallback_recorded"] >= 12
    assert outcome.measured["karma_unrecorded"] == 0
    assert outcome.measured["breaker_opened"] >= 1
    assert outcome.measured["breaker_closed"] >= 1
    assert outcome.measured["recovery_recorded"] >= 1
    assert any("127.0.0.1" in socket for socket in outcome.of_type("done")[0]["opened"]["sockets"])


def test_outliers_are_marked_and_the_throttle_comes_back(sound: Sound) -> None:
    """All six outliers marked, none blocked, no usual amount marked, and the score stays where it should."""
    outcome = sound("ml_chaos")

    assert outcome.measured["anomalies_marked"] == 6
    assert outcome.measured["anomalies_missed"] == outcome.measured["anomalies_blocked"] == 0
    assert outcome.measured["false_positive_ppm"] <= 10_000
    assert outcome.measured["ci_ppm_min"] >= 300_000
    assert outcome.measured["ci_ppm_max"] <= 700_000
    assert outcome.measured["ci_drift_ppm_max"] <= 1
    assert outcome.measured["throttle_recovered"] == 1


def test_no_promise_is_lost_over_five_kills(sound: Sound) -> None:
    """Killed five times, twice with a torn record behind it: every event that was confirmed is where it was said."""
    outcome = sound("crash_replay")

    assert outcome.measured["kills"] == 5
    assert outcome.measured["torn_tails"] == 2
    assert outcome.measured["acknowledged_events_lost"] == 0
    assert outcome.measured["acknowledged_events"] >= 100
    assert outcome.measured["repeated_answers"] > 0


def test_load_lasts_as_long_as_asked_and_seals_often(sound: Sound) -> None:
    """Three seconds are three seconds, at the offered rate, over at least ten seals."""
    outcome = sound("load_reality")

    assert outcome.measured["duration_seconds"] == 3
    assert outcome.measured["offered_rate"] == 100
    assert outcome.measured["operations"] >= 300
    assert outcome.measured["seals"] >= 10
    assert 0 < outcome.measured["events_from_snapshot"] < outcome.measured["events"]
    assert outcome.of_type("sample")[-1]["offered"] == 300


def test_memory_is_not_measured_before_the_warm_up_is_over(played: Play) -> None:
    """A trend over a process that is still starting says nothing: the rule then reads "not measured"."""
    outcome = played("load_reality", warmup_seconds=300)

    assert_sound(outcome, "load_reality")
    assert "memory_slope" not in outcome.measured


def test_without_injected_anomalies_nothing_is_said_about_them(played: Play) -> None:
    """What was not done is not measured, so its rules are inconclusive."""
    outcome = played("ml_chaos", anomaly_injection=False)

    assert_sound(outcome, "ml_chaos")
    assert not {"anomalies_marked", "anomalies_blocked", "throttle_recovered"} & set(outcome.measured)


def test_without_injected_retries_nothing_is_asked_twice(played: Play) -> None:
    """18 workers times 20 orders, and no answer about repeats."""
    outcome = played("credit_storm", retry_injection=False)

    assert_sound(outcome, "credit_storm")
    assert outcome.measured["operations"] == (10 + 2 * 4) * 20
    assert "repeated_answers" not in outcome.measured


def test_with_karma_available_every_order_of_the_storm_records_its_answer(played: Play) -> None:
    """The other scenarios get an endpoint of their own that answers."""
    outcome = played("credit_storm", karma_available=True)

    assert_sound(outcome, "credit_storm")
    assert any("127.0.0.1" in socket for socket in outcome.of_type("done")[0]["opened"]["sockets"])


def test_what_the_processes_opened_is_files_of_the_run_only(sound: Sound) -> None:
    """No database and no network: a result of looking, not a claim."""
    outcome = sound("credit_storm")

    opened = outcome.of_type("done")[0]["opened"]
    assert "<run>/journal/lock" in opened["files"]
    assert not [socket for socket in opened["sockets"] if socket.startswith("inet")]
    assert not [file for file in opened["files"] if "sqlite" in file or "db" in file.rpartition("/")[2]]
