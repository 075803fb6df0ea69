"""Which lines of a legacy journal stand out of order: the original appended in time order, so time tells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime


def displaced(times: Sequence[datetime]) -> dict[int, int]:
    """Index of each displaced item -> index of the item it belongs to as a fault (itself for the first one).

    Two exchanged items are one fault, reported at the first. In a longer disorder the fewest items whose removal
    restores the order are the displaced ones.
    """
    found: dict[int, int] = {}
    for cycle in _cycles(times):
        members = cycle if len(cycle) == 2 else _outside_longest_run(times, range(cycle[0], cycle[-1] + 1))
        for index in members:
            found[index] = members[0]
    return found


def _cycles(times: Sequence[datetime]) -> list[list[int]]:
    """The cycles of the permutation that would sort the items by time; items in their place are in none."""
    target = sorted(range(len(times)), key=times.__getitem__)
    seen: set[int] = set()
    cycles = []
    for start in range(len(times)):
        cycle: list[int] = []
        index = start
        while target[index] != start or cycle:
            if index in seen:
                break
            seen.add(index)
            cycle.append(index)
            index = target[index]
        if cycle:
            cycles.append(sorted(cycle))
    return cycles


def _outside_longest_run(times: Sequence[datetime], indexes: range) -> list[int]:
    """The items outside a longest non-decreasing subsequence, in file order."""
    tails: list[datetime] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for index in indexes:
        length = bisect_right(tails, times[index])
        before[index] = ends[length - 1] if length else None
        tails[length:] = [times[index], *tails[length + 1 :]]
        ends[length:] = [index, *ends[length + 1 :]]
    kept = set()
    last: int | None = ends[-1]
    while last is not None:
        kept.add(last)
        last = before[last]
    return [index for index in indexes if index not in kept]
