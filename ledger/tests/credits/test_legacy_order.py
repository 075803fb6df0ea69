"""Order in legacy journals: the fewest lines that explain a disorder are the displaced ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.credits.legacy_order import displaced


def times(*seconds: int) -> list[datetime]:
    """Moments so many seconds after the first."""
    return [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in seconds]


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ((), {}),
        ((1,), {}),
        ((1, 2, 2, 3), {}),
        ((2, 1), {0: 0, 1: 0}),
        ((1, 5, 3, 4, 2, 6), {1: 1, 4: 1}),
        ((3, 2, 1), {0: 0, 2: 0}),
        ((2, 1, 3, 5, 4), {0: 0, 1: 0, 3: 3, 4: 3}),
        ((1, 6, 2, 3, 4, 5, 7), {1: 1}),
        ((1, 3, 4, 5, 2, 6), {4: 4}),
        ((5, 1, 2, 3, 9, 4, 6), {0: 0, 4: 4}),
    ],
)
def test_the_displaced_items_are_named_with_their_fault(seconds: tuple[int, ...], found: dict[int, int]) -> None:
    """Two exchanged ones are one fault; a moved one is one, wherever the others slid."""
    assert displaced(times(*seconds)) == found


@given(st.lists(st.integers(0, 1000), max_size=60))
def test_without_the_displaced_items_the_rest_is_in_order(seconds: list[int]) -> None:
    """Whatever the disorder."""
    found = displaced(times(*seconds))

    rest = [second for index, second in enumerate(seconds) if index not in found]
    assert rest == sorted(rest)
    assert all(first in found and first <= index for index, first in found.items())


@given(st.lists(st.integers(0, 1000), max_size=60).map(sorted))
def test_what_is_in_order_has_no_displaced_items(seconds: list[int]) -> None:
    """Equal times included."""
    assert displaced(times(*seconds)) == {}
