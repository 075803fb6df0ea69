"""Which lines of a legacy journal stand out of order: the original appended in time order, so time tells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime


def displaced(times: Sequence[datetime]) -> dict[int, int]:
    """Index of each displaced item -> index of the item at which the fault is reported (itself, or its partner).

    Two exchanged items are one fault, reported at the first. In any other disorder the fewest items whose removal
    restores the order are displaced, each by its own fault.
    """
    found: dict[int, int] = {}
    for group in _overlapping(_cycles(times)):
        if all(len(cycle) == 2 for cycle in group):
            found.update({index: cycle[0] for cycle in group for index in cycle})
        else:
            span = range(min(cycle[0] for cycle in group), max(cycle[-1] for cycle in group) + 1)
            found.update({index: index for index in _outside_longest_run(times, span)})
    return found


def _overlapping(cycles: list[list[int]]) -> list[list[list[int]]]:
    """Cycles, sorted by their first index, in groups whose spans overlap; the order within one concerns no other."""
    groups: list[list[list[int]]] = []
    end = -1
    for cycle in cycles:
        if cycle[0] > end:
            groups.append([])
        groups[-1].append(cycle)
        end = max(end, cycle[-1])
    return groups


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
