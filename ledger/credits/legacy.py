"""Importing a legacy journal into a new one: every sound line with its effect, every faulty one named and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ledger.credits.accounts import account_of
from ledger.credits.errors import JournalNotEmpty
from ledger.credits.ledger import Ledger
from ledger.credits.legacy_analysis import TOLERANCE, LegacyAnalysis, analyse
from ledger.credits.legacy_events import created_event, fact_event, micros_of_legacy, money_event, refused_event
from ledger.credits.legacy_reading import MONEY_TYPES, LegacyProblem, LegacyRecord
from ledger.engine.errors import LedgerError
from ledger.engine.event import Command, NewEvent
from ledger.engine.messages import gettext_noop

_LINES_PER_COMMAND = 200
# Consequences that cannot be written either: the request they are about is not there, or is decided.
_WITHOUT_EFFECT = {"unknown-request", "requested-twice", "decided-twice"}
_TOLERANCE_MICROS = int(TOLERANCE.scaleb(6))


class ImportRefused(LedgerError):
    """A strict import of a file in which lines break an invariant; `faults` are those lines."""

    code = "import-refused"
    message = gettext_noop("%(path)s was not imported. Lines that break an invariant: %(count)s.")

    def __init__(self, *, path: Path, faults: tuple[LegacyProblem, ...]) -> None:
        super().__init__(path=path, count=len(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyReport:
    """What an import read, took over and refused. `problems` stand in file order."""

    source: Path
    digest: str
    line_count: int
    imported_count: int
    problems: tuple[LegacyProblem, ...]

    @property
    def faults(self) -> tuple[LegacyProblem, ...]:
        """The problems that are their own cause."""
        return tuple(problem for problem in self.problems if problem.cause is None)

    def consequences_of(self, line: int) -> tuple[LegacyProblem, ...]:
        """What is broken only because of that line."""
        return tuple(problem for problem in self.problems if problem.cause == line)


def import_legacy(
    *,
    source: Path,
    ledger: Ledger,
    is_strict: bool,
    actor: str,
    progress: Callable[[int, int], None] | None = None,
) -> LegacyReport:
    """Read the file, check it line by line, and write it into the ledger, which must be new.

    A faulty line becomes `import.line_refused` without effect. With `is_strict` one faulty line refuses the whole
    file (ImportRefused) before anything is written. Raises UnreadableJournal and JournalNotEmpty.
    `progress` is called with lines done and lines in all.
    """
    analysis = analyse(source)
    faults = analysis.faults
    if is_strict and faults:
        raise ImportRefused(path=source, faults=tuple(faults))
    if any(event.stream != "system:journal" for event in ledger.events()):
        raise JournalNotEmpty(path=source)
    digest = sha256(source.read_bytes()).hexdigest()
    writer = _Writer(analysis, stream=f"import:{digest[:16]}")
    done = 0
    for events, lines in writer.batches():
        batch = tuple(events)
        command = Command(
            key=f"import:{digest}:{done}",
            fingerprint=sha256(f"{digest}:{done}".encode()).hexdigest()[:32],
            actor=actor,
            correlation=f"import:{digest[:16]}",
            decide=lambda batch=batch: batch,  # type: ignore[misc]  # the default binds this round's batch
        )
        ledger.journal.execute(command)
        done += lines
        if progress is not None:
            progress(done, len(analysis.items))
    return LegacyReport(
        source=source,
        digest=digest,
        line_count=len(analysis.items),
        imported_count=writer.imported_count,
        problems=tuple(sorted(writer.problems.values(), key=lambda problem: problem.line)),
    )


class _Writer:
    """Turns the lines into events, with the balances that result here."""

    def __init__(self, analysis: LegacyAnalysis, *, stream: str) -> None:
        self.problems = dict(analysis.problems)
        self.imported_count = 0
        self._items = analysis.items
        self._stream = stream
        self._balances: dict[str, int] = {}
        self._causes: dict[str, int] = {}

    def batches(self) -> Iterator[tuple[list[NewEvent], int]]:
        """(events of one command, number of lines they stand for)."""
        events: list[NewEvent] = []
        lines = 0
        for item in self._items:
            events += self._events_of(item, index=len(events))
            lines += 1
            if lines == _LINES_PER_COMMAND:
                yield events, lines
                events, lines = [], 0
        if events:
            yield events, lines

    def _events_of(self, item: LegacyRecord | LegacyProblem, *, index: int) -> list[NewEvent]:
        problem = self.problems.get(item.line)
        if isinstance(item, LegacyProblem):
            return [refused_event(item, stream=self._stream)]
        if problem is not None and item.entity is not None:
            self._causes.setdefault(item.entity, problem.cause or problem.line)
        if problem is not None and (problem.cause is None or problem.code in _WITHOUT_EFFECT):
            return [refused_event(problem, stream=self._stream)]
        if item.type not in MONEY_TYPES:
            self.imported_count += 1
            return [fact_event(item)]
        return self._money(item, index=index)

    def _money(self, record: LegacyRecord, *, index: int) -> list[NewEvent]:
        agent = str(record.entity)
        amount = micros_of_legacy(record.amount) or 0
        known = self._balances.get(agent)
        balance = (known or 0) + MONEY_TYPES[record.type] * amount
        if -_TOLERANCE_MICROS <= balance < 0 and known:
            # Rounded amounts may add up to a little more than their rounded sum: the agent is at zero, not below.
            amount, balance = known, 0
        if amount <= 0 or balance < 0 or (known is None and record.type != "credit.allocated"):
            return [self._refused(record)]
        self._balances[agent] = balance
        self.imported_count += 1
        if known is not None:
            return [money_event(record, amount_micros=amount, balance_micros=balance, caused_by=None)]
        moved = money_event(record, amount_micros=amount, balance_micros=balance, caused_by=index)
        return [created_event(record), moved]

    def _refused(self, record: LegacyRecord) -> NewEvent:
        """A sound line that cannot have its effect here, because an earlier line of its entity had none."""
        known = self.problems.get(record.line)
        account = account_of(str(record.entity))
        cause = self._causes.get(str(record.entity))
        problem = LegacyProblem(
            line=record.line,
            code="no-cover",
            message=gettext_noop("%(account)s has not the credits for it here."),
            params={"account": account},
            cause=cause,
        )
        self.problems[record.line] = problem if known is None else replace(known, cause=known.cause or cause)
        return refused_event(self.problems[record.line], stream=self._stream)
