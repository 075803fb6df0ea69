"""Plans: what a run may be asked, what that means in executions, and what it will cost."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from testruns.plan import (
    PROFILES,
    InvalidPlan,
    NothingToSweep,
    RunPlan,
    UnknownChoice,
    ValueOutOfRange,
    WrongCount,
    WrongType,
)
from testruns.scenarios import SCENARIOS

WHOLE = tuple(SCENARIOS)
SWEPT = {"credit_storm", "approval_race", "load_reality"}


def plan_with(**values: Any) -> RunPlan:
    """The quick plan with some values changed."""
    return dataclasses.replace(RunPlan.of_profile(profile="quick", soak_seconds=1800), **values)


@pytest.mark.parametrize(("profile", "soak"), [("smoke", 5), ("quick", 30), ("full", 1800)])
def test_a_profile_is_the_whole_suite_with_its_soak(profile: str, soak: int) -> None:
    """The defaults are those of the seeds; full takes its soak from the policy."""
    plan = RunPlan.of_profile(profile=profile, soak_seconds=1800)

    plan.validate()
    assert plan.scenarios == WHOLE
    assert (plan.duration_seconds, plan.seed, plan.concurrency) == (soak, 42, (50,))
    assert (plan.retry_injection, plan.karma_available, plan.anomaly_injection) == (True, False, True)


def test_there_are_three_profiles() -> None:
    """And no fourth: anything else is a plan of one's own."""
    assert set(PROFILES) == {"smoke", "quick", "full"}
    with pytest.raises(UnknownChoice):
        RunPlan.of_profile(profile="fast", soak_seconds=1800)


@pytest.mark.parametrize(
    ("values", "refusal", "field"),
    [
        ({"profile": "fast"}, UnknownChoice, "profile"),
        ({"scenarios": ("credit_storm", "unheard_of")}, UnknownChoice, "scenarios"),
        ({"scenarios": ()}, WrongCount, "scenarios"),
        ({"scenarios": ("credit_storm", "credit_storm")}, WrongCount, "scenarios"),
        ({"scenarios": ["credit_storm"]}, WrongType, "scenarios"),
        ({"concurrency": ()}, WrongCount, "concurrency"),
        ({"concurrency": (50, 50)}, WrongCount, "concurrency"),
        ({"concurrency": tuple(range(1, 10))}, WrongCount, "concurrency"),
        ({"concurrency": (50, 100), "scenarios": ("ml_chaos", "crash_replay")}, NothingToSweep, "concurrency"),
        ({"concurrency": (0,)}, ValueOutOfRange, "concurrency"),
        ({"concurrency": (501,)}, ValueOutOfRange, "concurrency"),
        ({"concurrency": (True,)}, ValueOutOfRange, "concurrency"),
        ({"duration_seconds": 0}, ValueOutOfRange, "duration_seconds"),
        ({"duration_seconds": 7201}, ValueOutOfRange, "duration_seconds"),
        ({"duration_seconds": 1.5}, ValueOutOfRange, "duration_seconds"),
        ({"seed": -1}, ValueOutOfRange, "seed"),
        ({"seed": 2**32}, ValueOutOfRange, "seed"),
        ({"retry_injection": 1}, WrongType, "retry_injection"),
        ({"karma_available": None}, WrongType, "karma_available"),
        ({"anomaly_injection": "yes"}, WrongType, "anomaly_injection"),
    ],
)
def test_a_value_no_run_can_have_is_refused_by_name(
    values: dict[str, Any], refusal: type[InvalidPlan], field: str
) -> None:
    """The refusal names the field and says what it may be."""
    with pytest.raises(refusal) as caught:
        plan_with(**values).validate()

    assert caught.value.params["field"] == field
    assert field in str(caught.value)


def test_a_sweep_makes_one_execution_per_level_where_levels_mean_something() -> None:
    """Storm, race and load are swept; the others run once, at the first level."""
    executions = plan_with(concurrency=(50, 100, 300)).executions()

    by_scenario = {code: [each.concurrency for each in executions if each.scenario == code] for code in WHOLE}
    assert {code for code, levels in by_scenario.items() if levels == [50, 100, 300]} == SWEPT
    assert all(levels == [50] for code, levels in by_scenario.items() if code not in SWEPT)


def test_executions_stand_in_the_order_of_the_suite() -> None:
    """Whatever order somebody asked in."""
    executions = plan_with(scenarios=("load_reality", "credit_storm")).executions()

    assert [each.scenario for each in executions] == ["credit_storm", "load_reality"]


def test_a_quick_run_is_planned_within_its_two_minutes_and_a_full_one_near_35() -> None:
    """What a person is told before asking."""
    quick = sum(each.planned_seconds for each in plan_with().executions())
    full = sum(each.planned_seconds for each in plan_with(duration_seconds=1800).executions())

    assert 30 < quick <= 120
    assert 1800 < full <= 2100


def test_disk_need_grows_with_duration_and_rate() -> None:
    """Half an hour at 100 operations a second needs hundreds of megabytes, and the plan says so."""
    (short,) = plan_with(scenarios=("load_reality",)).executions(offered_rate=100)
    (long,) = plan_with(scenarios=("load_reality",), duration_seconds=1800).executions(offered_rate=100)
    (fast,) = plan_with(scenarios=("load_reality",), duration_seconds=1800).executions(offered_rate=1000)

    assert short.disk_bytes < long.disk_bytes < fast.disk_bytes
    assert 300_000_000 < long.disk_bytes < 1_000_000_000


def test_a_plan_survives_json() -> None:
    """Written and read again it is the same plan."""
    plan = plan_with(concurrency=(50, 100), seed=7)

    assert RunPlan.from_json(plan.as_json()) == plan


@pytest.mark.parametrize("change", [{"unheard_of": 1}, {"seed": -1}])
def test_json_that_is_no_plan_is_refused(change: dict[str, Any]) -> None:
    """Unknown fields and wrong values alike."""
    with pytest.raises(InvalidPlan):
        RunPlan.from_json(plan_with().as_json() | change)


def test_json_without_a_field_is_refused() -> None:
    """A plan is whole or none."""
    values = plan_with().as_json()
    del values["seed"]

    with pytest.raises(WrongType):
        RunPlan.from_json(values)


@pytest.mark.parametrize(
    ("values", "is_full"),
    [
        ({}, True),
        ({"duration_seconds": 2000}, True),
        ({"duration_seconds": 1799}, False),
        ({"scenarios": WHOLE[:-1]}, False),
        ({"retry_injection": False}, False),
        ({"karma_available": True}, False),
        ({"anomaly_injection": False}, False),
    ],
)
def test_only_the_whole_suite_as_designed_and_long_enough_is_a_full_run(values: dict[str, Any], is_full: bool) -> None:
    """Only a full run can release something."""
    plan = plan_with(**({"duration_seconds": 1800} | values))

    assert plan.is_full_run(soak_seconds=1800) is is_full
