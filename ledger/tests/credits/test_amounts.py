"""Amounts: what counts as money, and what is refused before it reaches the journal."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import decimal_of, micros_of
from ledger.credits.amounts import AMOUNT_MICROS_MAX
from ledger.credits.errors import AmountTooLarge, InvalidAmount


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("12.5", 12_500_000),
        ("0.000001", 1),
        ("+7", 7_000_000),
        (3, 3_000_000),
        (Decimal("1e3"), 1_000_000_000),
        (Decimal("0.10"), 100_000),
        ("9007199254.740991", AMOUNT_MICROS_MAX),
    ],
)
def test_amounts_become_exact_micro_credits(amount: str | int | Decimal, micros: int) -> None:
    """Text, whole numbers and decimals are read without a binary float in between."""
    assert micros_of(amount) == micros


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-1",
        "",
        "abc",
        "1e3",
        "1_000",
        "1,5",
        " 1",
        "0x10",
        "٣",
        0,
        -5,
        True,
        1.5,
        None,
        Decimal(0),
        Decimal("-0.1"),
    ],
)
def test_what_is_no_positive_plain_number_is_refused(amount: object) -> None:
    """Zero, negative amounts, floats, truth values and other spellings are no amounts."""
    with pytest.raises(InvalidAmount):
        micros_of(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", ["NaN", "-nan", "inf", "-Infinity", Decimal("NaN"), Decimal("Infinity")])
def test_nan_and_infinity_are_refused_by_name(amount: str | Decimal) -> None:
    """The refusal says that the number is not finite."""
    with pytest.raises(InvalidAmount, match="not a finite number"):
        micros_of(amount)


@pytest.mark.parametrize("amount", ["1.0000001", "0.0000000", Decimal("1e-7"), "1.0000000"])
def test_more_than_six_decimals_are_refused_by_name(amount: str | Decimal) -> None:
    """Nothing is rounded silently, not even zeros."""
    with pytest.raises(InvalidAmount, match="six decimals"):
        micros_of(amount)


@pytest.mark.parametrize("amount", ["9007199254.740992", 10**12, Decimal("1e20")])
def test_an_amount_past_two_to_the_fifty_third_has_its_own_refusal(amount: str | int | Decimal) -> None:
    """Canonical JSON could not carry it exactly."""
    with pytest.raises(AmountTooLarge):
        micros_of(amount)


@pytest.mark.parametrize("amount", [10**400, Decimal("1e999999"), "9" * 5000, Decimal("1e-999999")])
def test_monstrous_numbers_are_refused_without_effort_and_shown_short(amount: str | int | Decimal) -> None:
    """A number of a million digits costs neither time nor a long message."""
    with pytest.raises((InvalidAmount, AmountTooLarge)) as refusal:
        micros_of(amount)

    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_too_long_to_print_is_refused_all_the_same(sign: int) -> None:
    """Python itself refuses to write out an integer of 5000 digits."""
    with pytest.raises(AmountTooLarge):
        micros_of(sign * 10**5000)


@given(st.integers(min_value=1, max_value=AMOUNT_MICROS_MAX))
def test_every_amount_survives_the_way_to_people_and_back(micros: int) -> None:
    """decimal_of and micros_of are each other's inverse."""
    assert micros_of(decimal_of(micros)) == micros
    assert micros_of(str(decimal_of(micros))) == micros


def test_zero_is_allowed_only_where_it_is_asked_for() -> None:
    """Filters may say zero, commands may not."""
    assert micros_of("0", is_zero_allowed=True) == 0
