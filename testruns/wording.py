"""Saying a judged text in a reader's language: templates with parameters, numbers with units.

Every number from 1,000 on has its thousands grouped, here and on the pages; what names something (the number of a run
or of an event in a list) is no number in this sense. What was measured is said in digits that matter (`sensible`), a
limit in its own unit with all of its digits.

Judgements are stored as templates (English, marked for translation) with parameters, never as finished sentences. A
parameter may be a name, a number, a stored state, a moment `{"moment"}` (ISO 8601), a quantity `{"value", "unit"}` with
an optional "operator", a text of its own `{"template", "params"}`, or a list of these. Everything is plain JSON, so a
row can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledger import gettext_noop
from testruns.run_states import STATE_NAMES

Translate = Callable[[str], str]

NOT_MEASURED = gettext_noop("not measured")

_UNIT_LABELS: Mapping[str, str] = {
    "count": "",
    "share": "",
    "us": "µs",
    "micro-credits": gettext_noop("micro-credits"),
    "operations/s": gettext_noop("operations/s"),
    "bytes": gettext_noop("bytes"),
}
_SCALES: Mapping[str, tuple[Decimal, str]] = {
    "ppm": (Decimal("0.0001"), "%"),
    "millionths": (Decimal("0.000001"), "share"),
}
_OPERATOR_SIGNS: Mapping[str, str] = {"<=": "≤", ">=": "≥"}
_MOMENT_FORMATS: Mapping[str, str] = {"en": "%Y-%m-%d %H:%M:%S UTC", "de": "%d.%m.%Y %H:%M:%S UTC"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DECIMAL_PLACES_MAX = 6
_DIGITS_MAX = 3
_MEASURED_UNITS = frozenset({"ms", "s", "%", "operations/s"})
_SECOND_MS = 1000


def spoken(
    *, template: str, params: Mapping[str, Any] | None = None, translate: Translate = str, language: str = "en"
) -> str:
    """The template in the reader's language with its parameters said.

    translate: gettext of the door, active for the same language; `str` leaves the English text. language: `en` or `de`,
    decides how numbers are written. Raises KeyError when a parameter of the template is missing.
    """
    held = next((value for value in (params or {}).values() if _is_limit(value)), None)
    said = {name: _said(value, translate, language, held) for name, value in (params or {}).items()}
    return translate(template) % said


def said_error(*, template: str, params: Mapping[str, Any], translate: Translate = str, language: str = "en") -> str:
    """Why something ended without finishing. Without parameters the text is no template: it may hold any sign."""
    if not params:
        return translate(template) if template else ""
    return spoken(template=template, params=params, translate=translate, language=language)


def moment_of(value: Any) -> datetime | None:
    """The moment a parameter holds; None when it is something else."""
    return datetime.fromisoformat(value["moment"]) if isinstance(value, Mapping) and "moment" in value else None


def said_moment(value: datetime, *, language: str = "en") -> str:
    """A time in UTC, to the second."""
    return value.astimezone(UTC).strftime(_MOMENT_FORMATS.get(language, _MOMENT_FORMATS["en"]))


def said_number(value: Decimal | int | str, *, language: str = "en") -> str:
    """A number with grouped thousands and at most 6 decimals: `1,770.5` in English, `1.770,5` in German."""
    text = plain_decimal(_rounded(Decimal(value)))
    whole, _, fraction = text.partition(".")
    grouped = f"{int(whole):,}"
    if whole.startswith("-") and not grouped.startswith("-"):
        grouped = f"-{grouped}"
    if language == "de":
        return grouped.replace(",", ".") + (f",{fraction}" if fraction else "")
    return grouped + (f".{fraction}" if fraction else "")


def said_quantity(
    value: Decimal | int | str | None, *, unit: str, translate: Translate = str, language: str = "en"
) -> str:
    """A number with all of its digits and its unit; `not measured` when there is none."""
    return translate(NOT_MEASURED) if value is None else _with_unit(Decimal(value), unit, translate, language)


def said_measured(
    value: Decimal | int | str | None,
    *,
    unit: str,
    beside: Decimal | None = None,
    translate: Translate = str,
    language: str = "en",
) -> str:
    """As `said_quantity`, in the unit and digits that matter. beside: the limit it is held against, in its unit."""
    if value is None:
        return translate(NOT_MEASURED)
    shown, shown_unit = sensible(Decimal(value), unit=unit, beside=beside)
    return _with_unit(shown, shown_unit, translate, language)


def said_operator(operator: str) -> str:
    """The operator as people write it: ≤ instead of <=."""
    return _OPERATOR_SIGNS.get(operator, operator)


def sensible(value: Decimal, *, unit: str, beside: Decimal | None = None) -> tuple[Decimal, str]:
    """A measured value in the unit people read: a time, share or rate with at most three digits that count.

    A whole number keeps all of its digits, and so many stay that the value is told apart from the limit `beside` it.
    """
    factor, shown_unit = scale_of(value, unit=unit)
    shown = value * factor
    if shown_unit not in _MEASURED_UNITS or not shown or not shown.is_finite():
        return shown, shown_unit
    places = max(0, _DIGITS_MAX - 1 - shown.adjusted())
    while (rounded := round(shown, places)) != shown:
        if beside is None or _side(rounded, beside * factor) == _side(value, beside):
            return rounded, shown_unit
        places += 1
    return shown, shown_unit


def scale_of(value: Decimal, *, unit: str) -> tuple[Decimal, str]:
    """What a value is multiplied by for people, and its unit then: times in ms, from a second on in s; ppm in %."""
    if unit in ("us", "ms"):
        per_ms = 1000 if unit == "us" else 1
        is_long = value.is_finite() and abs(value) >= _SECOND_MS * per_ms
        return (1 / Decimal(_SECOND_MS * per_ms), "s") if is_long else (1 / Decimal(per_ms), "ms")
    return _SCALES.get(unit, (Decimal(1), unit))


def plain_decimal(value: Decimal) -> str:
    """The exact value as digits: no exponent, no zeros at the end behind the point, no negative zero."""
    text = format(value if value else Decimal(0), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    is_long = isinstance(exponent, int) and exponent < -_DECIMAL_PLACES_MAX
    return value.quantize(Decimal(1).scaleb(-_DECIMAL_PLACES_MAX)) if is_long else value


def _side(value: Decimal, limit: Decimal) -> tuple[bool, bool]:
    return value < limit, value > limit


def _with_unit(shown: Decimal, unit: str, translate: Translate, language: str) -> str:
    label = _UNIT_LABELS.get(unit, unit)
    number = said_number(shown, language=language)
    return f"{number} {translate(label)}" if label else number


def _is_limit(value: Any) -> bool:
    return isinstance(value, Mapping) and "operator" in value


def _said(value: Any, translate: Translate, language: str, held: Mapping[str, Any] | None) -> str:
    """One parameter in words. held: the limit that its sentence names, against which everything else was measured."""
    if value is None:
        return translate(NOT_MEASURED)
    if isinstance(value, Mapping):
        return _said_mapping(value, translate, language, held)
    if isinstance(value, list | tuple):
        return "; ".join(_said(part, translate, language, held) for part in value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return translate(STATE_NAMES[value]) if value in STATE_NAMES else value
    return said_number(value, language=language)


def _said_mapping(value: Mapping[str, Any], translate: Translate, language: str, held: Mapping[str, Any] | None) -> str:
    """A moment, a text of its own, or a quantity with an optional operator."""
    moment = moment_of(value)
    if moment is not None:
        return said_moment(moment, language=language)
    if "template" in value:
        return spoken(template=value["template"], params=value.get("params"), translate=translate, language=language)
    amount, unit = value["value"], value["unit"]
    if held is None or _is_limit(value):
        quantity = said_quantity(amount, unit=unit, translate=translate, language=language)
        return f"{said_operator(value['operator'])} {quantity}" if _is_limit(value) else quantity
    beside = Decimal(held["value"]) if held["unit"] == unit else None
    return said_measured(amount, unit=unit, beside=beside, translate=translate, language=language)
