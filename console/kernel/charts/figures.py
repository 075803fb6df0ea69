"""Figures as charts write them, in the reader's language."""

from __future__ import annotations

from decimal import Decimal

from django.utils import formats

GROUPED_FROM = 10_000


def said(value: float) -> str:
    """A figure with at most four digits that count."""
    text = f"{value:.4g}"
    if abs(value) < GROUPED_FROM and "e" not in text:  # most of hundreds on a page: only their point is the language's
        return text.replace(".", formats.get_format("DECIMAL_SEPARATOR")).replace("-", "−")
    exact = Decimal(text)
    places = max(0, -int(exact.normalize().as_tuple().exponent))
    is_grouped = abs(exact) >= GROUPED_FROM
    return formats.number_format(exact, decimal_pos=places, use_l10n=True, force_grouping=is_grouped).replace("-", "−")


def said_time(seconds: float) -> str:
    """Seconds, as minutes where those are whole."""
    whole = round(seconds)
    return f"{whole // 60}\u202fmin" if whole and whole % 60 == 0 else f"{said(seconds)}\u202fs"


def said_amount(value: float) -> str:
    """An amount in full, with two digits behind the point where there are any."""
    places = 0 if round(value, 2) == round(value) else 2
    return formats.number_format(Decimal(f"{value:.{places}f}"), decimal_pos=places, use_l10n=True, force_grouping=True)
