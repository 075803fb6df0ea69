"""The same seed means the same operations in the same order for each worker; another seed means others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from testruns.scenarios import (
    approval_race,
    crash_replay,
    credit_storm,
    karma_blackout,
    load_reality,
    ml_chaos,
    synergy_anti_gaming,
)
from testruns.scenarios.stage.context import seeded
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.queue import ORDINARY, SAMPLES, depths, score_ppm

PLANS: dict[str, Callable[[int], list[Operation]]] = {
    "credit_storm": lambda seed: [
        order
        for worker in range(18)
        for order in credit_storm.orders_of(worker, seed=seed, worker_count=18, has_retries=True)
    ],
    "synergy_anti_gaming": lambda seed: synergy_anti_gaming.synergies(seed=seed, has_retries=True),
    "approval_race": lambda seed: [
        order
        for decider in range(10)
        for number in range(20)
        for order in approval_race.decisions_of(decider, number, seed=seed, has_retries=True)
    ],
    "karma_blackout": lambda seed: [karma_blackout.order_of(number, seed=seed) for number in range(50)],
    "ml_chaos": lambda seed: list(ml_chaos.plan_of(seed=seed, anomalies=True)),
    "crash_replay": lambda seed: [
        crash_replay.order_of(worker, position, seed=seed) for worker in range(4) for position in range(50)
    ],
    "load_reality": lambda seed: [
        order
        for number in range(500)
        for order in load_reality.orders_of(number, "transfer", seeded(seed, "load_reality", number))
    ],
}


def written(operations: list[Operation]) -> list[Any]:
    """Operations as comparable values: partials compare by identity."""
    return [(each.key, each.owed, each.make.func, each.make.keywords) for each in operations]  # type: ignore[attr-defined]


@pytest.mark.parametrize("scenario", PLANS)
def test_the_same_seed_gives_the_same_operations(scenario: str) -> None:
    """Run 42 can be run again."""
    assert written(PLANS[scenario](42)) == written(PLANS[scenario](42))


@pytest.mark.parametrize("scenario", PLANS)
def test_another_seed_gives_other_operations(scenario: str) -> None:
    """Two runs with different seeds are two looks at the ledger."""
    assert written(PLANS[scenario](42)) != written(PLANS[scenario](43))


def test_a_tenth_of_the_storm_s_orders_comes_twice() -> None:
    """Half of the repeats from the same worker, half from its neighbour; each with the same key and content."""
    asked = written(PLANS["credit_storm"](42))

    keys = Counter(key for key, *_ in asked)
    assert len(keys) == 18 * credit_storm.CONSUMES_PER_WORKER
    assert set(keys.values()) == {1, 2}
    assert 0.05 < sum(count == 2 for count in keys.values()) / len(keys) < 0.16
    assert len({str(order) for order in asked}) == len(keys)


def test_without_retries_every_order_comes_once() -> None:
    """The injection can be switched off."""
    orders = credit_storm.orders_of(3, seed=42, worker_count=18, has_retries=False)

    assert len(orders) == credit_storm.CONSUMES_PER_WORKER


def test_the_synergies_are_honest_and_dishonest_and_worth_more_than_the_cap() -> None:
    """A hundred of them, among them rings, rewards for oneself, and the same work handed in again."""
    asked = synergy_anti_gaming.synergies(seed=42, has_retries=False)

    kinds = Counter(str(each.make.func.__name__) for each in asked)  # type: ignore[attr-defined]
    assert len(asked) == synergy_anti_gaming.EVENTS
    assert kinds["RecordCollaboration"] > 40
    assert kinds["RecordReuse"] > 15
    assert any(each.owed == () for each in asked)


def test_outliers_come_after_twenty_usual_orders() -> None:
    """Six of them, at least ten times the usual fifty credits."""
    keys = [each.key for each in ml_chaos.plan_of(seed=42, anomalies=True)]

    assert sum(key.startswith("outlier:") for key in keys) == 6
    assert keys.index("outlier:steady:0") > keys.index("usual:steady:19")
    assert keys.index("usual:steady:20") > keys.index("outlier:steady:2")


@pytest.mark.parametrize("seed", range(60))
def test_the_ordinary_queue_scores_between_0_3_and_0_7_and_the_burst_above_0_85(seed: int) -> None:
    """For any seed: otherwise the rule about the score would judge the scenario and not the ledger."""
    series = depths(seed=seed)
    values = [depth for _, depth in series]
    scores = [score_ppm(values[max(0, end - 64) : end]) for end in range(1, len(values) + 1)]

    ordinary = [score for score in scores[: SAMPLES[ORDINARY]] if score is not None]
    burst = [score for (phase, _), score in zip(series, scores, strict=True) if phase == "burst" and score is not None]
    assert min(ordinary) > 350_000
    assert max(ordinary) < 690_000
    assert max(burst) > 860_000


def test_the_score_of_a_constant_queue_is_0_and_below_ten_samples_there_is_none() -> None:
    """The two ends of the formula."""
    assert score_ppm([5] * 64) == 0
    assert score_ppm([1, 2, 3]) is None
    assert score_ppm(list(range(32)) * 2) == 1_000_000 - round(1_000_000 / (1 + 9.233092656309694 / 15.5) / 2)
