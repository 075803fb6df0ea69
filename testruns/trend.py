"""Trends: the Theil-Sen slope of a series with a rank-based confidence interval.

Theil-Sen is the median of the slopes between all pairs of points, so single jumps (a seal, a table that grows once) do
not bend it. The interval is Sen's (1968): the slopes whose ranks lie z standard deviations of Kendall's S around the
median. Kendall's variance assumes independent points; memory read once a second is not: neighbours are nearly equal.
The variance is therefore widened by (1 + r) / (1 - r) with r the lag-1 correlation of the residuals' ranks, which is
the loss of independent points in a first-order process.

The 1.6 million slopes of 1800 points are never made: the k-th smallest slope is found by bisection, counting for a
candidate slope how many pairs lie below it (the inversions of the residuals). That takes 0.2 s and no memory.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

POINTS_MIN = 10
_BISECTIONS = 64
_CORRELATION_MAX = 0.999


class TooFewPoints(ValueError):
    """Fewer points than a trend with an interval can be computed from (10)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slope:
    """A slope and its interval, in units of y per unit of x: low <= middle <= high."""

    low: float
    middle: float
    high: float


def theil_sen(*, points: Sequence[tuple[float, float]], confidence: float = 0.95) -> Slope:
    """The slope of the points (x, y) and its two-sided interval.

    points: x strictly increasing. confidence: between 0 and 1. Raises TooFewPoints below 10 points and ValueError when
    x does not increase.
    """
    if len(points) < POINTS_MIN:
        raise TooFewPoints(f"{len(points)} points; at least {POINTS_MIN} are needed for a trend")
    series = _Series(points)
    pairs = series.pairs
    middle = (series.slope_at((pairs + 1) // 2) + series.slope_at(pairs // 2 + 1)) / 2
    spread = NormalDist().inv_cdf((1 + confidence) / 2) * series.rank_deviation(slope=middle)
    low = series.slope_at(max(1, math.floor((pairs - spread) / 2)))
    high = series.slope_at(min(pairs, math.ceil((pairs + spread) / 2) + 1))
    return Slope(low=min(low, middle), middle=middle, high=max(high, middle))


class _Series:
    """The points moved to the origin (so that no digits are lost) with the bounds of all slopes between them."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        first_x, first_y = points[0]
        self.xs = [x - first_x for x, _ in points]
        self.ys = [y - first_y for _, y in points]
        self.pairs = len(points) * (len(points) - 1) // 2
        steps = []
        for index in range(1, len(points)):
            width = self.xs[index] - self.xs[index - 1]
            if not width > 0:
                raise ValueError("the x of the points must strictly increase")
            steps.append((self.ys[index] - self.ys[index - 1]) / width)
        # The slope between any two points is a weighted mean of the steps between them: the steps bound all slopes.
        self.smallest, self.largest = min(steps), max(steps)

    def slope_at(self, rank: int) -> float:
        """The rank-th smallest (from 1) of the slopes between all pairs."""
        low, high = self.smallest, self.largest
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if self._pairs_at_most(middle) >= rank:
                high = middle
            else:
                low = middle
        return high

    def _pairs_at_most(self, slope: float) -> int:
        """How many pairs have a slope of at most `slope`: those whose residual does not rise."""
        earlier: list[float] = []
        count = 0
        for residual in self._residuals(slope):
            count += len(earlier) - bisect_left(earlier, residual)
            insort(earlier, residual)
        return count

    def _residuals(self, slope: float) -> list[float]:
        return [y - slope * x for x, y in zip(self.xs, self.ys, strict=True)]

    def rank_deviation(self, *, slope: float) -> float:
        """The standard deviation of Kendall's S for this many points, widened for correlated neighbours."""
        count = len(self.xs)
        variance = count * (count - 1) * (2 * count + 5) / 18
        correlation = min(max(_neighbour_correlation(self._residuals(slope)), 0.0), _CORRELATION_MAX)
        return math.sqrt(variance * (1 + correlation) / (1 - correlation))


def _neighbour_correlation(values: Sequence[float]) -> float:
    """The lag-1 correlation of the values' ranks, -1 to 1; 0 for values that do not differ."""
    ranks = _middle_ranks(values)
    mean = (len(values) - 1) / 2
    spread = sum((rank - mean) ** 2 for rank in ranks)
    if not spread:
        return 0.0
    return sum((left - mean) * (right - mean) for left, right in pairwise(ranks)) / spread


def _middle_ranks(values: Sequence[float]) -> list[float]:
    """The ranks of the values from 0; equal values share the middle of their ranks."""
    ranks = [0.0] * len(values)
    order = sorted(range(len(values)), key=values.__getitem__)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[start]]:
            for index in order[start:end]:
                ranks[index] = (start + end - 1) / 2
            start = end
    return ranks
