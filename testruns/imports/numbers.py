"""Numbers as test runners write them. What is not one is None, and its reader counts that."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal
from typing import Final

_COUNT: Final = re.compile(r"\d{1,9}")
_SECONDS: Final = re.compile(r"(?:\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?")
_RATE: Final = re.compile(r"\d(?:\.\d{1,30})?(?:[eE]-?\d{1,2})?")
_SECONDS_MAX: Final = Decimal(10**9)
_NANOSECOND: Final = Decimal("1e-9")


def count_of(text: str | None) -> int | None:
    """A whole number of at most nine digits."""
    text = (text or "").strip()
    return int(text) if text.isascii() and _COUNT.fullmatch(text) else None


def seconds_of(text: str | None) -> Decimal | None:
    """A length of time to the nanosecond: `0.001`, `1,234.5` with grouped thousands, `1.0E-3`.

    NaN, infinity and less than 0 are none.
    """
    text = (text or "").strip()
    if not (text.isascii() and _SECONDS.fullmatch(text)):
        return None
    seconds = Decimal(text.replace(",", ""))
    return seconds.quantize(_NANOSECOND) if seconds <= _SECONDS_MAX else None


def rate_ppm_of(text: str | None) -> int | None:
    """A share from 0 to 1 in whole millionths, rounded down: no rate is ever said to be higher than it is."""
    text = (text or "").strip()
    if not (text.isascii() and _RATE.fullmatch(text)):
        return None
    rate = Decimal(text)
    return int((rate * 10**6).to_integral_value(ROUND_FLOOR)) if rate <= 1 else None


def share_ppm(part: int, whole: int) -> int | None:
    """`part` of `whole` in whole millionths, rounded down; None of nothing, and when the part is the larger one."""
    return part * 10**6 // whole if 0 <= part <= whole and whole else None
