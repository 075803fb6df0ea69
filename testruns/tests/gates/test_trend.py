"""The trend: exact against all pairs, green on a flat series, red on a leak of 0.2 MB/min, honest in between."""

from __future__ import annotations

import random
import statistics
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testruns.trend import POINTS_MIN, Slope, TooFewPoints, theil_sen

MINUTE = 60
THRESHOLD, BLOCKING = 0.1, 0.5


def _memory(*, leak: float, seed: int = 42, seconds: int = 1500, noise: float = 0.5) -> list[tuple[float, float]]:
    """Memory in MB, once a second after warm-up: a level, a leak in MB/min, pages that come and go, rare peaks."""
    dice = random.Random(seed)
    points, level = [], 60.0
    for second in range(seconds):
        level += dice.choice((-0.004, 0.0, 0.004)) if -noise < level - 60.0 < noise else 0.0
        peak = 8.0 if dice.random() < 0.01 else 0.0
        points.append((second / MINUTE, level + peak + leak * second / MINUTE))
    return points


def _all_slopes(points: list[tuple[float, float]]) -> list[float]:
    return sorted(
        (later_y - y) / (later_x - x) for index, (x, y) in enumerate(points) for later_x, later_y in points[index + 1 :]
    )


@given(steps=st.lists(st.tuples(st.integers(1, 50), st.integers(-1000, 1000)), min_size=POINTS_MIN, max_size=40))
def test_the_slope_is_the_median_of_all_pairs(steps: list[tuple[int, int]]) -> None:
    """Counting finds what sorting all slopes finds, ties included; the interval encloses it."""
    points, x = [], 0.0
    for width, y in steps:
        x += width
        points.append((x, float(y)))

    slope = theil_sen(points=points)

    assert slope.middle == pytest.approx(statistics.median(_all_slopes(points)), abs=1e-6)
    assert slope.low <= slope.middle <= slope.high


def test_the_interval_is_that_of_the_ranks_for_independent_points() -> None:
    """Sen's ranks: for points without correlation the ends are the slopes z deviations of S around the median."""
    dice = random.Random(7)
    points = [(float(x), 0.3 * x + (-1) ** x * dice.random()) for x in range(30)]
    slopes = _all_slopes(points)
    spread = 1.959964 * (30 * 29 * 65 / 18) ** 0.5

    slope = theil_sen(points=points)

    assert slope.low == pytest.approx(slopes[int((435 - spread) / 2) - 1], abs=1e-9)
    assert slope.high == pytest.approx(slopes[-int((435 - spread) / 2)], abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_flat_memory_is_below_the_threshold_with_its_whole_interval(seed: int) -> None:
    """A sound soak of half an hour is green."""
    assert theil_sen(points=_memory(leak=0.0, seed=seed)).high < THRESHOLD


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_of_a_fifth_of_a_megabyte_a_minute_is_above_the_threshold(seed: int) -> None:
    """The planted leak of 0.2 MB/min is red with its whole interval, and does not block."""
    slope = theil_sen(points=_memory(leak=0.2, seed=seed))

    assert THRESHOLD <= slope.low <= slope.high < BLOCKING


def test_a_leak_of_more_than_half_a_megabyte_a_minute_blocks() -> None:
    """The lower end itself is beyond the blocking threshold."""
    assert theil_sen(points=_memory(leak=0.6)).low >= BLOCKING


def test_a_leak_at_the_threshold_is_left_open_when_the_series_wanders() -> None:
    """Memory that wanders by megabytes around a slope of 0.1 gives an interval on both sides of it."""
    dice = random.Random(3)
    points, wander = [], 0.0
    for second in range(600):
        wander = 0.98 * wander + dice.gauss(0, 0.3)
        points.append((second / MINUTE, 60 + wander + 0.1 * second / MINUTE))

    slope = theil_sen(points=points)

    assert slope.low < THRESHOLD < slope.high


def test_neighbours_that_are_alike_widen_the_interval() -> None:
    """The same values in an order in which neighbours are alike say less about the trend."""
    dice = random.Random(11)
    shuffled = [dice.gauss(0, 1) for _ in range(200)]
    smooth = [statistics.fmean(shuffled[max(0, index - 15) : index + 1]) for index in range(200)]
    mixed = smooth[:]
    dice.shuffle(mixed)

    wide = theil_sen(points=[(float(x), y) for x, y in enumerate(smooth)])
    narrow = theil_sen(points=[(float(x), y) for x, y in enumerate(mixed)])

    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_a_constant_series_has_no_slope() -> None:
    """Nothing moves: 0, and an interval without width."""
    assert theil_sen(points=[(float(x), 5.0) for x in range(50)]) == Slope(low=0.0, middle=0.0, high=0.0)


def test_a_straight_line_is_its_own_slope() -> None:
    """Whole numbers on a line give the slope and an interval without width."""
    slope = theil_sen(points=[(float(x), 1e9 + 3.0 * x) for x in range(50)])

    assert (slope.low, slope.middle, slope.high) == pytest.approx((3.0, 3.0, 3.0), abs=1e-9)


def test_more_confidence_asks_for_a_wider_interval() -> None:
    """99 % encloses 80 %."""
    points = _memory(leak=0.05, seconds=300)

    wide, narrow = theil_sen(points=points, confidence=0.99), theil_sen(points=points, confidence=0.8)

    assert wide.low <= narrow.low <= narrow.high <= wide.high
    assert wide.high - wide.low > narrow.high - narrow.low


def test_too_few_points_give_no_trend() -> None:
    """Nine points are refused, ten are enough."""
    points = [(float(x), float(x % 3)) for x in range(10)]

    assert theil_sen(points=points)
    with pytest.raises(TooFewPoints, match="9 points"):
        theil_sen(points=points[:9])


@pytest.mark.parametrize("repeated", [3.0, 2.0, float("nan")])
def test_times_that_do_not_increase_are_refused(repeated: float) -> None:
    """Two values for one moment, or a moment before the last, are a mistake in the series."""
    points = [(float(x), 0.0) for x in range(4)] + [(repeated, 1.0)] + [(float(x), 0.0) for x in range(10, 20)]

    with pytest.raises(ValueError, match="increase"):
        theil_sen(points=points)


def test_the_points_of_a_full_soak_are_judged_in_less_than_two_seconds() -> None:
    """1800 points; about 0.3 s on an idle machine, with room for a busy one."""
    points = _memory(leak=0.02, seconds=1800)

    started = time.process_time()
    theil_sen(points=points)

    assert time.process_time() - started < 2
