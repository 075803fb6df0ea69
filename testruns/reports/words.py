"""How a report says things in the language that is active: numbers, times, verdicts, judged texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import get_language, gettext

from testruns.models import Attempt, ScenarioExecution
from testruns.reports.blocks import BAD, GOOD, OPEN, Cell
from testruns.run_states import STATE_NAMES
from testruns.wording import said_error, said_moment, said_number, said_quantity, spoken

LANGUAGES: Final = ("en", "de")

_TONES: Final = {
    **dict.fromkeys(("PASS", "GO", "FINISHED"), GOOD),
    **dict.fromkeys(("FAIL", "NO_GO", "ERROR", "ERRORED", "ABANDONED", "critical"), BAD),
    **dict.fromkeys(("INCONCLUSIVE", "CONDITIONAL", "INCOMPLETE", "CANCELLED", "WAIVED", "PENDING", "major"), OPEN),
}
_BYTES_IN_MEGABYTE: Final = 1_000_000


def language() -> str:
    """The active language, English where it is none of the reports'."""
    active = (get_language() or "en")[:2]
    return active if active in LANGUAGES else "en"


def say(template: str, params: Mapping[str, Any] | None = None) -> str:
    """A judged text in the active language. An empty template stays empty."""
    return spoken(template=template, params=params, translate=gettext, language=language()) if template else ""


def figure(value: Decimal | int | str | None, unit: str) -> str:
    """A number with its unit, as people read it (microseconds as ms, bytes as MB); `not measured` without one."""
    if value is None or value == "":
        return said_quantity(None, unit=unit, translate=gettext)
    amount = Decimal(value)
    if unit == "us":
        amount, unit = amount / 1000, "ms"
    elif unit == "bytes":
        amount, unit = (amount / _BYTES_IN_MEGABYTE).quantize(Decimal("0.1")), "MB"
    elif unit == "ppm":
        amount, unit = amount / 10_000, "%"
    elif unit == "millionths":
        amount, unit = amount / 1_000_000, "share"
    return said_quantity(amount, unit=unit, translate=gettext, language=language())


def count(value: int) -> str:
    """A whole number with grouped thousands."""
    return said_number(value, language=language())


def moment(value: datetime | None) -> str:
    """A time in UTC; `not measured` is said of one that does not exist."""
    if value is None:
        return figure(None, "s")
    return said_moment(value, language=language())


def error(row: Attempt | ScenarioExecution) -> str:
    """Why it ended without finishing, in the active language."""
    return said_error(template=row.error, params=row.error_params, translate=gettext, language=language())


def state(word: str) -> str:
    """The word of a stored state in the active language."""
    return gettext(STATE_NAMES[word])


def state_cell(word: str) -> Cell:
    """The word of a stored state in the active language, with its tone."""
    return Cell(text=state(word), tone=tone_of(word))


def yes_no(is_so: bool) -> str:
    """Yes or no."""
    return gettext("yes") if is_so else gettext("no")


def verdict(word: str) -> Cell:
    """A verdict, state or severity as a word with its tone; a dash where there is none yet."""
    return Cell(text=word or "–", tone=_TONES.get(word, ""))


def tone_of(word: str) -> str:
    """The tone of a word."""
    return _TONES.get(word, "")


def severity(word: str) -> Cell:
    """A severity in the reader's language, with its tone."""
    names = {"critical": gettext("critical"), "major": gettext("major"), "warning": gettext("warning")}
    return Cell(text=names[word], tone=_TONES.get(word, ""))
