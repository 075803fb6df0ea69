"""Anomaly marking: is an amount far outside the agent's last hundred? Integers only, marks and never blocks.

Rule (decisions.md, Credits): at least 10 points, above median + 6 x 1.4826 x MAD, and at least 5 x the median.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

WINDOW_LENGTH = 100
POINTS_MIN = 10
# 6 x 1.4826, in ten-thousandths: a MAD times this is six standard deviations of plain noise.
_SPREAD = 88_956
_SPREAD_UNIT = 10_000
_MEDIAN_FACTOR = 5


class Anomaly(NamedTuple):
    """Why an amount was marked, in micro-credits."""

    amount_micros: int
    median_micros: int
    threshold_micros: int
    points: int


class AmountWindow:
    """The last hundred amounts of one agent: a ring of 8-byte integers, and its sorted copy once somebody asks."""

    __slots__ = ("_next", "_ring", "_sorted")

    def __init__(self, amounts: Iterable[int] = ()) -> None:
        """With at most a hundred `amounts` to begin with, oldest first."""
        self._ring = array("q", amounts)
        self._next = 0
        self._sorted: array[int] | None = None

    def add(self, amount_micros: int) -> None:
        """Take one amount in; the oldest leaves when there are a hundred."""
        ring = self._ring
        if len(ring) < WINDOW_LENGTH:
            ring.append(amount_micros)
            if self._sorted is not None:
                insort(self._sorted, amount_micros)
            return
        position = self._next
        if self._sorted is not None:
            del self._sorted[bisect_left(self._sorted, ring[position])]
            insort(self._sorted, amount_micros)
        ring[position] = amount_micros
        self._next = (position + 1) % WINDOW_LENGTH

    def amounts(self) -> list[int]:
        """The amounts, oldest first."""
        return [*self._ring[self._next :], *self._ring[: self._next]]

    def judge(self, amount_micros: int) -> Anomaly | None:
        """The reason to mark this amount, or None. Looks only, takes nothing in."""
        points = len(self._ring)
        if points < POINTS_MIN:
            return None
        if self._sorted is None:
            self._sorted = array("q", sorted(self._ring))
        ordered = self._sorted
        median_twice = ordered[(points - 1) // 2] + ordered[points // 2]
        if 2 * amount_micros < _MEDIAN_FACTOR * median_twice:
            return None
        deviations = sorted(abs(2 * amount - median_twice) for amount in ordered)
        spread_four = deviations[(points - 1) // 2] + deviations[points // 2]
        threshold = 2 * median_twice * _SPREAD_UNIT + _SPREAD * spread_four
        if 4 * amount_micros * _SPREAD_UNIT <= threshold:
            return None
        return Anomaly(
            amount_micros=amount_micros,
            median_micros=median_twice // 2,
            threshold_micros=threshold // (4 * _SPREAD_UNIT),
            points=points,
        )
