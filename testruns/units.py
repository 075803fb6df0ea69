"""Units of measurements and rules, and the few conversions between them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

COUNT: Final = "count"
MICRO_CREDITS: Final = "micro-credits"
MICROSECONDS: Final = "us"
MILLISECONDS: Final = "ms"
SECONDS: Final = "s"
PPM: Final = "ppm"
SHARE: Final = "share"
MILLIONTHS: Final = "millionths"
"""Of a score from 0 to 1, which people read as such: 509769 is 0.509769."""
PERCENT: Final = "%"
OPERATIONS_PER_SECOND: Final = "operations/s"
MEGABYTES_PER_MINUTE: Final = "MB/min"

_FACTORS: Final = {
    (MICROSECONDS, MILLISECONDS): Decimal("0.001"),
    (PPM, PERCENT): Decimal("0.0001"),
    (PPM, SHARE): Decimal("0.000001"),
    (MILLIONTHS, SHARE): Decimal("0.000001"),
}


def converted(*, value: Decimal, measured_in: str, asked_in: str) -> Decimal | None:
    """The value in the unit a rule asks for, exactly; None when the two units do not belong together."""
    if measured_in == asked_in:
        return value
    factor = _FACTORS.get((measured_in, asked_in))
    return None if factor is None else value * factor
