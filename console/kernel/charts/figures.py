"""Figures as charts write them, in the reader's language."""

from __future__ import annotations

from decimal import Decimal

from django.utils import formats

GROUPED_FROM = 1000
_ROUNDS_BELOW = 999
"""Whatever is smaller has no thousands however it is rounded."""


def said(value: float) -> str:
    """A figure with at most four digits that count."""
    return _written(value, f"{value:.4g}")


def said_waiting(value: float) -> str:
    """A measured time with at most three digits that count; whole numbers keep all of theirs."""
    return _written(value, f"{value:.3g}" if abs(value) < GROUPED_FROM else f"{value:.0f}")


def _written(value: float, text: str) -> str:
    if abs(value) < _ROUNDS_BELOW and "e" not in text:  # most of hundreds on a page: only their point is the language's
        return text.replace(".", formats.get_format("DECIMAL_SEPARATOR")).replace("-", "−")
    exact = Decimal(text)
    places = max(0, -int(exact.normalize().as_tuple().exponent))
    return formats.number_format(exact, decimal_pos=places, use_l10n=True, force_grouping=True).replace("-", "−")


def said_time(seconds: float) -> str:
    """Seconds, as minutes where those are whole."""
    whole = round(seconds)
    return f"{whole // 60}\u202fmin" if whole and whole % 60 == 0 else f"{said_waiting(seconds)}\u202fs"


def said_amount(value: float) -> str:
    """An amount in full, with two digits behind the point where there are any."""
    places = 0 if round(value, 2) == round(value) else 2
    return formats.number_format(Decimal(f"{value:.{places}f}"), decimal_pos=places, use_l10n=True, force_grouping=True)
