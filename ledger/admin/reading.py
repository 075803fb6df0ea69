"""What the journal browser reads: pages of events, one event with its causes and effects, the history of an account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ledger import Event, Ledger
from ledger.admin.filters import EVENTS_PER_PAGE, JournalFilter
from ledger.credits.movements import MOVEMENT_TYPES

EFFECTS_SEARCHED_MAX = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class EventLine:
    """An event as a list shows it."""

    event: Event

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return datetime.fromisoformat(self.event.time)

    @property
    def amount_micros(self) -> int | None:
        """What it moved, if anything."""
        amount = self.event.data.get("amount_micros")
        return amount if isinstance(amount, int) else None

    @property
    def payer(self) -> str:
        """The account the amount left."""
        return str(self.event.data.get("from_account", ""))

    @property
    def payee(self) -> str:
        """The account the amount reached."""
        return str(self.event.data.get("to_account", ""))

    @property
    def content(self) -> str:
        """The data of the event with line breaks."""
        return json.dumps(self.event.data, indent=2, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """A page of events, newest first, with the cursors of its neighbours; None where there is none."""

    lines: tuple[EventLine, ...]
    older: int | None
    newer: int | None


def page_of_events(*, ledger: Ledger, wanted: JournalFilter, until: int | None, after: int | None) -> EventPage:
    """Events with seq <= `until`, or > `after`, that match; without either the newest."""
    filters = wanted.as_read()
    if after is not None:
        found = list(islice(ledger.events(after=after, **filters), EVENTS_PER_PAGE + 1))
        has_newer = len(found) > EVENTS_PER_PAGE
        events = found[:EVENTS_PER_PAGE][::-1]
        older = events[-1].seq - 1 if events else None
        return EventPage(lines=_lines(events), older=older or None, newer=events[0].seq if has_newer else None)
    bound = {"until": until} if until is not None else {}
    found = list(islice(ledger.events(descending=True, **bound, **filters), EVENTS_PER_PAGE + 1))
    events = found[:EVENTS_PER_PAGE]
    has_older = len(found) > EVENTS_PER_PAGE
    newer = events[0].seq if events and until is not None and until < ledger.head.seq else None
    return EventPage(lines=_lines(events), older=events[-1].seq - 1 if has_older else None, newer=newer)


def _lines(events: list[Event]) -> tuple[EventLine, ...]:
    return tuple(EventLine(event=event) for event in events)


def effects_of(*, ledger: Ledger, event: Event) -> tuple[EventLine, ...]:
    """The events that name this one as their cause, looked for among the next ones of the same correlation."""
    later = ledger.events(after=event.seq, correlation=event.correlation, limit=EFFECTS_SEARCHED_MAX)
    return _lines([candidate for candidate in later if candidate.causation == event.seq])


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """One movement of an account: signed amount, and the balance after it."""

    line: EventLine
    change_micros: int
    balance_micros: int
    other: str


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The newest movements of an account, what they start from, and the cursor of the older ones."""

    account: str
    balance_micros: int
    lines: tuple[HistoryLine, ...]
    older: int | None
    is_complete: bool


def history_of(*, ledger: Ledger, account: str, balance_micros: int, until: int | None) -> History:
    """The movements behind a balance, newest first; the balance before the oldest of all must be 0.

    The movements newer than `until` are read too: the balance at the cursor is the present one without them.
    """
    running = balance_micros
    shown: list[HistoryLine] = []
    for event, change, other in _movements(ledger, account):
        if until is None or event.seq <= until:
            if len(shown) == EVENTS_PER_PAGE:
                older = event.seq
                return History(
                    account=account, balance_micros=balance_micros, lines=tuple(shown), older=older, is_complete=False
                )
            line = EventLine(event=event)
            shown.append(HistoryLine(line=line, change_micros=change, balance_micros=running, other=other))
        running -= change
    return History(
        account=account, balance_micros=balance_micros, lines=tuple(shown), older=None, is_complete=running == 0
    )


def _movements(ledger: Ledger, account: str) -> Iterator[tuple[Event, int, str]]:
    """Every movement that touches the account, newest first, with its signed amount and the other account."""
    for event in ledger.events(types=MOVEMENT_TYPES, mentions=account, descending=True):
        data: dict[str, Any] = event.data
        if data.get("to_account") == account:
            yield event, int(data["amount_micros"]), str(data["from_account"])
        elif data.get("from_account") == account:
            yield event, -int(data["amount_micros"]), str(data["to_account"])
