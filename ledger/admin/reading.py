"""What the journal browser reads: pages of events, one event with its causes and effects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ledger import Event, Ledger
from ledger.admin.filters import EVENTS_PER_PAGE, JournalFilter

EFFECTS_SEARCHED_MAX = 2000
EVENTS_SCANNED_MAX = 100_000
"""So many events are looked at for one page, a tenth of a second."""


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
        """What it moved, if anything: an approval is asked for an amount that no account gives or takes."""
        amount = self.event.data.get("amount_micros")
        return amount if isinstance(amount, int) and self.payer and self.payee else None

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
    """A page of events, newest first, with the cursors of its neighbours; None where there is none.

    `scanned_to`: the last event that was looked at, where looking stopped before the beginning of the journal.
    """

    lines: tuple[EventLine, ...]
    older: int | None
    newer: int | None
    scanned_to: int | None = None


def page_of_events(*, ledger: Ledger, wanted: JournalFilter, until: int | None, after: int | None) -> EventPage:
    """Events with seq <= `until`, or > `after`, that match; without either the newest.

    At most `EVENTS_SCANNED_MAX` are looked at: what matches rarely takes more pages, each of them soon.
    """
    head = ledger.head.seq
    if after is not None:
        return _page_after(ledger, wanted, after=after, head=head)
    last = head if until is None else min(until, head)
    first = max(last - EVENTS_SCANNED_MAX, 0)
    events = ledger.events(after=first, until=last, descending=True, **wanted.as_read())
    found = list(islice(events, EVENTS_PER_PAGE + 1))
    lines = _lines(found[:EVENTS_PER_PAGE])
    newer = last if last < head else None
    if len(found) > EVENTS_PER_PAGE:
        return EventPage(lines=lines, older=lines[-1].event.seq - 1, newer=newer)
    return EventPage(lines=lines, older=first or None, newer=newer, scanned_to=first + 1 if first else None)


def _page_after(ledger: Ledger, wanted: JournalFilter, *, after: int, head: int) -> EventPage:
    last = min(after + EVENTS_SCANNED_MAX, head)
    events = ledger.events(after=after, until=last, **wanted.as_read())
    found = list(islice(events, EVENTS_PER_PAGE + 1))
    lines = _lines(found[:EVENTS_PER_PAGE][::-1])
    newer = lines[0].event.seq if len(found) > EVENTS_PER_PAGE else last if last < head else None
    return EventPage(lines=lines, older=after or None, newer=newer)


def _lines(events: list[Event]) -> tuple[EventLine, ...]:
    return tuple(EventLine(event=event) for event in events)


def effects_of(*, ledger: Ledger, event: Event) -> tuple[EventLine, ...]:
    """The events that name this one as their cause, looked for among the next ones of the same correlation."""
    later = ledger.events(after=event.seq, correlation=event.correlation, limit=EFFECTS_SEARCHED_MAX)
    return _lines([candidate for candidate in later if candidate.causation == event.seq])
