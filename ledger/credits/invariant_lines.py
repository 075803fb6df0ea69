"""The invariants of a journal, one line each: the question, whether it holds, and where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, kw_only=True, slots=True)
class InvariantLine:
    """One invariant. `is_held` is None where this file cannot show it; `where` names at most ten places."""

    code: str
    question: str
    is_held: bool | None
    detail: str
    count: int = 0
    where: tuple[str, ...] = ()


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
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._details: dict[str, tuple[bool | None, str]] = {}

    def add(self, code: str, *, where: str, what: str) -> None:
        """One place where an invariant is broken."""
        self._counts[code] = self._counts.get(code, 0) + 1
        places = self._places.setdefault(code, [])
        if len(places) < PLACES_SHOWN:
            places.append(f"{where}: {what}")

    def note(self, code: str, *, is_held: bool | None, detail: str) -> None:
        """What to say about an invariant when nothing broke it."""
        self._details[code] = (is_held, detail)

    def lines(self) -> tuple[InvariantLine, ...]:
        """Every invariant in the order of QUESTIONS."""
        return tuple(self._line(code, question) for code, question in QUESTIONS.items())

    def _line(self, code: str, question: str) -> InvariantLine:
        count = self._counts.get(code, 0)
        if count:
            where = tuple(self._places[code])
            return InvariantLine(code=code, question=question, is_held=False, detail=where[0], count=count, where=where)
        is_held, detail = self._details.get(code, (True, ""))
        return InvariantLine(code=code, question=question, is_held=is_held, detail=detail)
