"""How a report says things in the language that is active: numbers, times, verdicts, judged texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy

from testruns.models import Attempt, ScenarioExecution
from testruns.reports.blocks import BAD, GOOD, OPEN, Cell
from testruns.run_states import STATE_NAMES
from testruns.wording import said_error, said_measured, said_moment, said_number, said_quantity, spoken

LANGUAGES: Final = ("en", "de")

_TONES: Final = {
    **dict.fromkeys(("PASS", "GO", "FINISHED"), GOOD),
    **dict.fromkeys(("FAIL", "NO_GO", "ERROR", "ERRORED", "ABANDONED", "critical"), BAD),
    **dict.fromkeys(("INCONCLUSIVE", "CONDITIONAL", "INCOMPLETE", "CANCELLED", "WAIVED", "PENDING", "major"), OPEN),
}
_VERDICTS: Final = {
    "PASS": pgettext_lazy("report", "PASS"),
    "FAIL": pgettext_lazy("report", "FAIL"),
    "INCONCLUSIVE": pgettext_lazy("report", "INCONCLUSIVE"),
    "ERROR": pgettext_lazy("report", "ERROR"),
    "WAIVED": pgettext_lazy("report", "WAIVED"),
    "PENDING": pgettext_lazy("report", "PENDING"),
}
_OWN_VALUES: Final = pgettext_lazy("profile", "own values")
_BYTE_UNITS: Final = ((1_000_000, "MB"), (1_000, "kB"))


def language() -> str:
    """The active language, English where it is none of the reports'."""
    active = (get_language() or "en")[:2]
    return active if active in LANGUAGES else "en"


def say(template: str, params: Mapping[str, Any] | None = None) -> str:
    """A judged text in the active language. An empty template stays empty."""
    return spoken(template=template, params=params, translate=gettext, language=language()) if template else ""


def figure(value: Decimal | int | str | None, unit: str, *, beside: str = "") -> str:
    """A measured number with its unit, in digits that matter, bytes as kB or MB; `not measured` without one.

    beside: the limit it is held against, in the same unit.
    """
    amount = None if value is None or value == "" else Decimal(value)
    if amount is not None and unit == "bytes":
        size, unit = next(((size, name) for size, name in _BYTE_UNITS if amount >= size), (1, unit))
        amount = (amount / size).quantize(Decimal("0.1"))
    limit = Decimal(beside) if beside else None
    return said_measured(amount, unit=unit, beside=limit, translate=gettext, language=language())


def limit(value: str, unit: str) -> str:
    """A number that something is held against, with all of its digits."""
    return said_quantity(value, unit=unit, translate=gettext, language=language())


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
    return Cell(text=verdict_word(word) or "–", tone=_TONES.get(word, ""))


def verdict_word(word: str) -> str:
    """A verdict, or that a signature is pending, in the active language."""
    return str(_VERDICTS.get(word, word))


def recommendation_word(word: str) -> str:
    """One of the four words in the active language."""
    return pgettext("recommendation", word.replace("_", "-"))


def profile_word(name: str) -> str:
    """The name of a profile in the active language."""
    return str(_OWN_VALUES) if name == "own" else pgettext("profile", name)


def tone_of(word: str) -> str:
    """The tone of a word."""
    return _TONES.get(word, "")


def severity(word: str) -> Cell:
    """A severity in the reader's language, with its tone."""
    names = {"critical": gettext("critical"), "major": gettext("major"), "warning": gettext("warning")}
    return Cell(text=names[word], tone=_TONES.get(word, ""))
