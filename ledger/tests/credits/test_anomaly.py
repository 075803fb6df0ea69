"""Anomalies: an amount far outside the usual is marked, in the answer and in the journal, and goes through."""

from __future__ import annotations

import random
from collections import deque
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import commands
from ledger.credits.anomaly import POINTS_MIN, WINDOW_LENGTH, AmountWindow
from ledger.tests.credits.orders import CREDIT, Desk


def filled(*amounts: int) -> AmountWindow:
    """A window that took these amounts in."""
    window = AmountWindow()
    for amount in amounts:
        window.add(amount)
    return window


def expected_mark(amounts: list[int], amount: int) -> bool:
    """The rule once more, in the words of the decision and with statistics' own median."""
    middle = median(amounts)
    deviation = median(abs(value - middle) for value in amounts)
    return len(amounts) >= 10 and amount > middle + 6 * 1.4826 * deviation and amount >= 5 * middle


def test_ten_times_the_usual_is_marked_and_goes_through(desk: Desk) -> None:
    """Twenty times 50, then 500: marked in answer, event and a record of its own; the next order is ordinary."""
    desk.open_account("ann", 10_000)
    for _ in range(20):
        assert not desk.consume("ann", 50).anomaly_detected

    answer = desk.consume("ann", 500)
    after = desk.consume("ann", 50)

    assert answer.anomaly_detected
    assert answer.balance_micros == 8_500 * CREDIT
    consumed, detected = answer.events
    assert consumed.data["anomaly_detected"] is True
    assert (detected.type, detected.causation) == ("anomaly.detected", consumed.seq)
    assert detected.data == {
        "amount_micros": 500 * CREDIT,
        "median_micros": 50 * CREDIT,
        "threshold_micros": 50 * CREDIT,
        "points": 20,
    }
    assert not after.anomaly_detected


def test_a_transfer_is_marked_like_any_spending(desk: Desk) -> None:
    """What leaves an account is watched, whatever it is called."""
    desk.open_account("ann", 10_000)
    desk.open_account("bob")
    for _ in range(10):
        desk.consume("ann", 10)

    answer = desk.order(commands.Transfer(payer="ann", payee="bob", amount_micros=900 * CREDIT, reason="gift"))

    assert answer.anomaly_detected
    assert desk.types()[-2:] == ["credit.transferred", "anomaly.detected"]


def test_a_repeated_key_carries_the_mark_again(desk: Desk) -> None:
    """The answer is read from the stored events, so it cannot forget."""
    desk.open_account("ann", 10_000)
    for _ in range(10):
        desk.consume("ann", 10)
    desk.consume("ann", 900, key="big")
    desk.reopen()

    assert desk.consume("ann", 900, key="big").anomaly_detected


@pytest.mark.parametrize(
    ("amounts", "amount", "is_marked"),
    [
        ([50] * 9, 5_000, False),
        ([50] * 10, 249, False),
        ([50] * 10, 250, True),
        ([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 277, False),
        ([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 278, True),
        ([10, 100] * 10, 455, False),
        ([10, 100] * 10, 456, True),
    ],
)
def test_both_bounds_must_be_passed(amounts: list[int], amount: int, is_marked: bool) -> None:
    """Ten points, five medians, and six deviations above the median."""
    assert (filled(*amounts).judge(amount) is not None) is is_marked
    assert expected_mark(amounts, amount) is is_marked


@given(
    st.lists(st.integers(min_value=1, max_value=10**12), min_size=POINTS_MIN, max_size=160),
    st.integers(min_value=1, max_value=10**13),
    st.booleans(),
)
def test_the_window_keeps_the_last_hundred_whenever_it_is_asked(
    amounts: list[int], amount: int, is_asked_early: bool
) -> None:
    """The sorted copy kept since the first question agrees with one made afresh."""
    window, last = AmountWindow(), deque(maxlen=WINDOW_LENGTH)  # type: ignore[var-annotated]
    for value in amounts:
        if is_asked_early:
            window.judge(value)
        window.add(value)
        last.append(value)

    assert window.amounts() == list(last)
    assert window.judge(amount) == filled(*last).judge(amount)


def test_plain_noise_is_hardly_ever_marked() -> None:
    """Of 20,000 ordinary amounts between 10 and 50 not one is called an anomaly."""
    noise = random.Random(42)
    window = AmountWindow()
    marked = 0
    for _ in range(20_000):
        amount = noise.randrange(10 * CREDIT, 50 * CREDIT)
        marked += window.judge(amount) is not None
        window.add(amount)

    assert marked == 0
