"""From flags and environment to a plan: flags win, and nothing that cannot be read is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from testruns.management.live_plan import UnusableWish, levels_of, plan_of_wishes
from testruns.plan import RunPlan

NO_FLAGS: dict[str, Any] = {
    "is_full": False,
    "profile": None,
    "scenarios": None,
    "concurrency": None,
    "duration": None,
    "seed": None,
    "retry_injection": None,
    "karma": None,
    "anomaly_injection": None,
}
ENVIRONMENT = {
    "LIVE_TEST_CONCURRENCY": "100,300",
    "LIVE_TEST_DURATION": "12",
    "LIVE_TEST_SEED": "7",
    "RETRY_INJECTION": "false",
    "KARMA_ENABLED": "true",
    "ML_ANOMALY_INJECTION": "0",
}


def plan(environment: dict[str, str] | None = None, **flags: Any) -> RunPlan:
    return plan_of_wishes(flags={**NO_FLAGS, **flags}, environment=environment or {}, soak_seconds=1800)


def test_without_any_wish_it_is_the_quick_profile_with_the_defaults_of_the_seeds() -> None:
    """50, 42, on, off, on; 30 s of soak."""
    assert plan() == RunPlan.of_profile(profile="quick", soak_seconds=1800)


def test_full_takes_its_soak_from_the_policy() -> None:
    """1800 s under the shipped policy, 3 s under the one of release tests."""
    full = plan(is_full=True)

    assert (full.profile, full.duration_seconds) == ("full", 1800)


def test_every_environment_name_is_read() -> None:
    """Each of the six names of the original suite changes the plan."""
    wanted = plan(ENVIRONMENT)

    assert wanted.concurrency == (100, 300)
    assert (wanted.duration_seconds, wanted.seed) == (12, 7)
    assert (wanted.retry_injection, wanted.karma_available, wanted.anomaly_injection) == (False, True, False)
    assert wanted.profile == "own"


def test_flags_win_over_the_environment() -> None:
    """What was typed now counts more than what was exported yesterday."""
    wanted = plan(
        ENVIRONMENT, concurrency=(9,), duration=5, seed=1, retry_injection=True, karma=False, anomaly_injection=True
    )

    assert wanted.concurrency == (9,)
    assert (wanted.duration_seconds, wanted.seed) == (5, 1)
    assert (wanted.retry_injection, wanted.karma_available, wanted.anomaly_injection) == (True, False, True)


def test_seed_and_concurrency_leave_the_profile_what_it_is() -> None:
    """Every profile leaves them open; a duration of one's own does not."""
    assert plan(profile="smoke", seed=3, concurrency=(100,)).profile == "smoke"
    assert plan(profile="smoke", duration=6).profile == "own"


def test_one_scenario_is_a_run_of_part_of_the_suite() -> None:
    """And says so by its profile."""
    wanted = plan(scenarios=["ml_chaos"])

    assert (wanted.scenarios, wanted.profile) == (("ml_chaos",), "own")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVE_TEST_CONCURRENCY", "many"),
        ("LIVE_TEST_CONCURRENCY", "50,"),
        ("LIVE_TEST_DURATION", "30m"),
        ("LIVE_TEST_SEED", "x"),
        ("RETRY_INJECTION", "maybe"),
        ("KARMA_ENABLED", "2"),
        ("ML_ANOMALY_INJECTION", "ja"),
    ],
)
def test_an_environment_value_nobody_can_read_is_named(name: str, value: str) -> None:
    """A typing mistake is never taken for a default."""
    with pytest.raises(UnusableWish):
        plan({name: value})


def test_levels_are_numbers_with_commas_between() -> None:
    """`50` and `50,100,300`."""
    assert levels_of("50") == (50,)
    assert levels_of("50,100,300") == (50, 100, 300)
