"""What in a legacy journal breaks an invariant, line by line: the fault at its line, what follows from it beneath it.

Balances are exact decimal sums of the original amounts, compared with `balance_after` within 0.01. After a reported
line the sum goes on from its `balance_after`; lines that then agree with one of the other readings of that line (its
amount counted, or the line left out) are broken only as its consequence (decisions.md, Legacy import).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from pathlib import Path

from ledger.credits.errors import UnreadableJournal
from ledger.credits.legacy_order import displaced
from ledger.credits.legacy_reading import (
    MONEY_TYPES,
    LegacyProblem,
    LegacyRecord,
    Number,
    decimal_of_text,
    read_items,
)
from ledger.engine.messages import gettext_noop

TOLERANCE = Decimal("0.01")
_READINGS_MAX = 8
_SHOWN_MAX = 40
_NUMBER_FIELDS = {"amount": "amount", "after": "balance_after"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyAnalysis:
    """Every line in file order, and the problem of each line that has one."""

    items: tuple[LegacyRecord | LegacyProblem, ...]
    problems: dict[int, LegacyProblem]

    @property
    def faults(self) -> list[LegacyProblem]:
        """The problems that are their own cause, by line."""
        return [problem for problem in self.problems.values() if problem.cause is None]


@dataclass(slots=True)
class _Entity:
    """One entity's running sum, and the other readings that are possible since a reported line."""

    sum: Decimal | None = Decimal(0)
    readings: list[Decimal] = field(default_factory=list)
    cause: int | None = None
    is_allocated: bool = False


def analyse(path: Path) -> LegacyAnalysis:
    """Read the whole file and find what breaks an invariant. UnreadableJournal when it is no such file."""
    items = tuple(read_items(path))
    if all(isinstance(item, LegacyProblem) and not item.is_of_an_event for item in items):
        raise UnreadableJournal(path=path, why=gettext_noop("not one of its lines is an event"))
    problems = {item.line: item for item in items if isinstance(item, LegacyProblem)}
    with localcontext() as context:
        context.prec = 60
        for problem in _Checker(items).run():
            problems[problem.line] = problem
    return LegacyAnalysis(items=items, problems=dict(sorted(problems.items())))


class _Checker:
    """One pass over the readable records in file order."""

    def __init__(self, items: tuple[LegacyRecord | LegacyProblem, ...]) -> None:
        self._records = [item for item in items if isinstance(item, LegacyRecord)]
        order = displaced([record.at for record in self._records])
        self._displaced = {self._records[at].line: self._records[first].line for at, first in order.items()}
        self._lines_by_key: dict[str, int] = {}
        self._lines_by_event: dict[str, int] = {}
        self._entities: dict[str, _Entity] = {}
        self._requests: dict[str, bool] = {}
        self._causes: dict[str, int] = {}

    def run(self) -> Iterator[LegacyProblem]:
        for record in self._records:
            problem = self._identity(record) or self._order(record)
            if record.type in MONEY_TYPES:
                problem = self._money(record, problem)
            elif problem is None or problem.cause is not None:
                problem = self._approval(record) or problem
            if problem is not None:
                self._causes.setdefault(record.payload.get("request_id", ""), problem.cause or problem.line)
                yield problem

    def _identity(self, record: LegacyRecord) -> LegacyProblem | None:
        """Unique keys and event ids, and causes that were recorded before."""
        first_key = self._lines_by_key.setdefault(record.key, record.line)
        first_event = self._lines_by_event.setdefault(record.event_id, record.line)
        if first_event != record.line:
            return _problem(
                record, "duplicate-event", gettext_noop("The event of line %(first)s again."), first=first_event
            )
        if first_key != record.line:
            return _problem(
                record, "duplicate-key", gettext_noop("The idempotency key of line %(first)s again."), first=first_key
            )
        if record.causation is not None and record.causation not in self._lines_by_event:
            return _problem(
                record,
                "unknown-cause",
                gettext_noop("The cause %(cause)s was not recorded before."),
                cause=record.causation,
            )
        return None

    def _order(self, record: LegacyRecord) -> LegacyProblem | None:
        first = self._displaced.get(record.line)
        if first is None:
            return None
        partners = [line for line, fault in self._displaced.items() if fault == first and line != record.line]
        if first == record.line:
            if partners:
                message = gettext_noop("Out of order: this line and line %(partner)s stand in each other's place.")
                return _problem(record, "out-of-order", message, partner=", ".join(map(str, partners)))
            return _problem(record, "out-of-order", gettext_noop("Out of order: its time %(time)s."), time=record.time)
        message = gettext_noop("Stands where line %(first)s belongs.")
        return replace(_problem(record, "out-of-order", message, first=first), cause=first)

    def _money(self, record: LegacyRecord, problem: LegacyProblem | None) -> LegacyProblem | None:
        amount, after = decimal_of_text(record.amount), decimal_of_text(record.balance_after)
        entity = self._entities.setdefault(str(record.entity), _Entity())
        is_allocated, entity.is_allocated = entity.is_allocated, True
        if amount is None or after is None:
            entity.readings, entity.cause, entity.sum = [], record.line, after
            message = gettext_noop("The amount (%(amount)s) or balance_after (%(after)s) is no finite number.")
            shown = {name: _as_written(record, field) for name, field in _NUMBER_FIELDS.items()}
            return problem or _problem(record, "not-finite", message, **shown)
        delta = amount * MONEY_TYPES[record.type]
        agrees = entity.sum is None or abs(entity.sum + delta - after) <= TOLERANCE
        problem = problem or self._amount(record, is_allocated, amount, after)
        if problem is None and not agrees:
            problem = self._disagreement(record, entity, delta, after)
        if problem is None:
            entity.sum = after if entity.sum is None else entity.sum + delta
            entity.readings, entity.cause = [], None
        elif problem.code == "follows":
            entity.sum, entity.readings, entity.cause = after, [], None
        else:
            bases = entity.readings or ([] if entity.sum is None else [entity.sum])
            entity.readings = [*(base + delta for base in bases), *bases][:_READINGS_MAX]
            entity.sum, entity.cause = after, problem.cause or problem.line
        return problem

    def _amount(
        self, record: LegacyRecord, is_allocated: bool, amount: Decimal, after: Decimal
    ) -> LegacyProblem | None:
        if amount <= 0:
            return _problem(
                record, "not-positive", gettext_noop("The amount %(amount)s is not above zero."), amount=record.amount
            )
        if not is_allocated and record.type != "credit.allocated":
            message = gettext_noop("%(entity)s has no credits allocated before this line.")
            return _problem(record, "unknown-entity", message, entity=record.entity)
        if after < -TOLERANCE:
            message = gettext_noop("The balance of %(entity)s becomes negative: %(after)s.")
            return _problem(record, "negative-balance", message, entity=record.entity, after=record.balance_after)
        return None

    def _disagreement(self, record: LegacyRecord, entity: _Entity, delta: Decimal, after: Decimal) -> LegacyProblem:
        assert entity.sum is not None
        for reading in entity.readings:
            if abs(reading + delta - after) <= TOLERANCE:
                message = gettext_noop("balance_after follows line %(cause)s as it should have been.")
                return replace(_problem(record, "follows", message, cause=entity.cause), cause=entity.cause)
        if record.type == "credit.allocated" and abs(delta - after) <= TOLERANCE:
            message = gettext_noop("%(entity)s was created again: its balance goes from %(sum)s back to %(after)s.")
            code = "created-again"
        else:
            message = gettext_noop("The sum for %(entity)s is %(sum)s, balance_after says %(after)s.")
            code = "balance-mismatch"
        known = entity.sum if code == "created-again" else entity.sum + delta
        return _problem(record, code, message, entity=record.entity, sum=known, after=record.balance_after)

    def _approval(self, record: LegacyRecord) -> LegacyProblem | None:
        if not record.type.startswith("approval."):
            return None
        request = record.payload["request_id"]
        is_decided = self._requests.get(request)
        if record.type == "approval.requested":
            if is_decided is not None:
                return _problem(
                    record, "requested-twice", gettext_noop("%(request)s was requested before."), request=request
                )
            self._requests[request] = False
            return None
        if is_decided is None:
            message = gettext_noop("%(request)s was not requested before.")
            return replace(
                _problem(record, "unknown-request", message, request=request), cause=self._causes.get(request)
            )
        if is_decided:
            return _problem(record, "decided-twice", gettext_noop("%(request)s was decided before."), request=request)
        self._requests[request] = True
        return None


def _as_written(record: LegacyRecord, field: str) -> str:
    """The field as the file has it, null included; a dash where the file has none."""
    if field not in record.payload:
        return "–"
    value = record.payload[field]
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)[:_SHOWN_MAX]


def _problem(record: LegacyRecord, code: str, message: str, **params: object) -> LegacyProblem:
    return LegacyProblem(line=record.line, code=code, message=message, params=params)
