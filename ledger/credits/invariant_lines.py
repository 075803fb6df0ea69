"""The invariants of a journal, one line each: the question, whether it holds, and where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ledger.engine.messages import gettext_noop

PLACES_SHOWN = 10

QUESTIONS = {
    "records": gettext_noop("Is every line a whole record?"),
    "chain": gettext_noop("Does every record follow the one before it, byte for byte?"),
    "order": gettext_noop("Do the records stand in the order in which they were written?"),
    "end": gettext_noop("Is the journal whole to its end?"),
    "finite": gettext_noop("Is every amount a finite number?"),
    "positive": gettext_noop("Is every amount above zero?"),
    "balance": gettext_noop("Is every recorded balance the sum of the movements?"),
    "zero_sum": gettext_noop("Is the sum over all accounts zero?"),
    "negative": gettext_noop("Is no agent below zero?"),
    "keys": gettext_noop("Is every idempotency key used once?"),
    "approvals": gettext_noop("Is every approval decided at most once?"),
    "created": gettext_noop("Is every agent created once and before it is used?"),
    "reward_cap": gettext_noop("Has no agent more synergy reward than the cap for life?"),
    "causation": gettext_noop("Does every cause point to an earlier event?"),
    "correlation": gettext_noop("Does every event name what it belongs to?"),
    "schema": gettext_noop("Does every event state its schema version?"),
    "read_models": gettext_noop("Does a replay reach the counted events and every recorded state?"),
}


PLACE = gettext_noop("%(place)s: %(what)s")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as plain JSON, template and values, some of which are such sentences: English as text, any language
    at a door.
    """

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, template: str, /, **params: object) -> Said:
        """The sentence with these values."""
        return cls(template, {name: asdict(one) if isinstance(one, Said) else one for name, one in params.items()})

    def __str__(self) -> str:
        values = {name: Said(**one) if isinstance(one, Mapping) else one for name, one in self.params.items()}
        return self.template % values


@dataclass(frozen=True, kw_only=True, slots=True)
class InvariantLine:
    """One invariant. `is_held` is None where this file cannot show it; `where` names at most ten places."""

    code: str
    question: str
    is_held: bool | None
    detail: Said | None = None
    count: int = 0
    where: tuple[Said, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class InvariantReport:
    """The answer of a check: every line, and what was read."""

    path: Path
    kind: str
    event_count: int
    lines: tuple[InvariantLine, ...]

    @property
    def is_held(self) -> bool:
        """Whether nothing was found."""
        return all(line.is_held is not False for line in self.lines)


class Findings:
    """Collects what breaks which invariant, ten places each and the count of all."""

    def __init__(self) -> None:
        self._places: dict[str, list[Said]] = {}
        self._counts: dict[str, int] = {}
        self._details: dict[str, tuple[bool | None, Said]] = {}

    def add(self, code: str, where: Said | str, what: str, /, **params: object) -> None:
        """One place where an invariant is broken; `what` is the template of `params`."""
        self._counts[code] = self._counts.get(code, 0) + 1
        places = self._places.setdefault(code, [])
        if len(places) < PLACES_SHOWN:
            places.append(Said.of(PLACE, place=where, what=Said.of(what, **params)))

    def note(self, code: str, detail: str, /, *, is_held: bool | None, **params: object) -> None:
        """What to say about an invariant when nothing broke it; `detail` is the template of `params`."""
        self._details[code] = (is_held, Said.of(detail, **params))

    def lines(self) -> tuple[InvariantLine, ...]:
        """Every invariant in the order of QUESTIONS."""
        return tuple(self._line(code, question) for code, question in QUESTIONS.items())

    def _line(self, code: str, question: str) -> InvariantLine:
        count = self._counts.get(code, 0)
        if count:
            where = tuple(self._places[code])
            return InvariantLine(code=code, question=question, is_held=False, detail=where[0], count=count, where=where)
        is_held, detail = self._details.get(code, (True, None))
        return InvariantLine(code=code, question=question, is_held=is_held, detail=detail)
