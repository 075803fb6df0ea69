"""In which unit a person reads a measured value: microseconds as milliseconds, millionths as percent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from django.utils.translation import pgettext

from testruns.wording import scale_of

MICROS = 1_000_000
ROUNDED = frozenset({"us", "ms", "s", "ppm", "%", "operations/s"})
"""Units whose values are shown with sensible digits; the exact value is the title."""


def readable(*, value: Any, unit: str) -> tuple[Any, str]:
    """The value and unit a person reads. Values that are no numbers pass unchanged."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return value, unit
    convert = _READABLE.get(unit)
    return convert(exact) if convert else (exact, unit)


def _scaled(exact: Decimal, unit: str) -> tuple[Decimal, str]:
    factor, shown_unit = scale_of(exact, unit=unit)
    return exact * factor, shown_unit


def _readable_credits(exact: Decimal) -> tuple[Decimal, str]:
    return (exact / MICROS, pgettext("unit", "credits")) if exact else (exact, "")


def _readable_bytes(exact: Decimal) -> tuple[Decimal, str]:
    for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if abs(exact) >= factor:
            return round(exact / factor, 1), unit
    return exact, "B"


_READABLE: Mapping[str, Callable[[Decimal], tuple[Decimal, str]]] = MappingProxyType(
    {
        "us": lambda exact: _scaled(exact, "us"),
        "ms": lambda exact: _scaled(exact, "ms"),
        "ppm": lambda exact: _scaled(exact, "ppm"),
        "bytes": _readable_bytes,
        "micro-credits": _readable_credits,
        "count": lambda exact: (exact, ""),
        "share": lambda exact: (exact, ""),
        "millionths": lambda exact: (exact / 1_000_000, ""),
        "operations/s": lambda exact: (exact, pgettext("unit", "operations/s")),
    }
)
