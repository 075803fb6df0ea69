"""The streams of a journal: those with the newest events first, or those whose name holds what is searched for.

A journal knows of a stream how many events it has; which is its last one is told by that event itself, whose version is
this number. So a page reads backwards from its cursor and shows each stream once, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ledger import Ledger
from ledger.admin.reading import EventLine
from ledger.credits.accounts import AGENT_PREFIX

STREAMS_PER_PAGE = 50
EVENTS_READ_MAX = 10_000
"""So many events are read for one page; in a long stretch of few streams a page shows fewer lines and goes on."""

EVENTS_SEARCHED_MAX = 50_000
"""So far back the last events of the streams on a page of a search are looked for, all of them together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamLine:
    """A stream: its name, how many events it has, and its last one (None: it lies further back than was looked)."""

    name: str
    count: int
    last: EventLine | None

    @property
    def account(self) -> str:
        """The account behind it, empty when it is none."""
        return self.name if self.name.startswith(AGENT_PREFIX) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPage:
    """A page of streams. `older` is the cursor of the next one, `read_to` the last event that was looked at.

    Of a search: `found` is the number of all that match, `next` how many of them come before the next page.
    """

    lines: tuple[StreamLine, ...]
    older: int | None = None
    read_to: int | None = None
    found: int | None = None
    next: int | None = None


def newest_streams(*, ledger: Ledger, until: int | None) -> StreamPage:
    """The streams whose last event has a seq <= `until` (None: all), the newest event first."""
    head = ledger.head.seq
    last = head if until is None else min(until, head)
    first = max(last - EVENTS_READ_MAX, 0)
    lines: list[StreamLine] = []
    counts: dict[str, int] = {}
    for event in ledger.events(after=first, until=last, descending=True):
        if len(lines) == STREAMS_PER_PAGE:
            return StreamPage(lines=tuple(lines), older=event.seq)
        if event.stream not in counts:
            counts[event.stream] = ledger.journal.stream_version(event.stream)
        if event.version == counts[event.stream]:
            lines.append(StreamLine(name=event.stream, count=event.version, last=EventLine(event=event)))
    return StreamPage(lines=tuple(lines), older=first or None, read_to=first + 1 if first else None)


def streams_named(*, ledger: Ledger, search: str, start: int) -> StreamPage:
    """The stream of exactly this name, then those of agents with `search` in their name, in the order of creation.

    `start` of them come before the page.
    """
    exact = [search] if not search.startswith(AGENT_PREFIX) and ledger.journal.stream_version(search) else []
    names = [*exact, *_agent_streams(ledger, search)]
    shown = names[start : start + STREAMS_PER_PAGE]
    searched = EVENTS_SEARCHED_MAX // max(len(shown), 1)
    after = max(ledger.head.seq - searched, 0)
    lines = tuple(_line(ledger, name, after=after) for name in shown)
    following = start + STREAMS_PER_PAGE
    return StreamPage(lines=lines, found=len(names), next=following if following < len(names) else None)


def _agent_streams(ledger: Ledger, search: str) -> Iterator[str]:
    wanted = search.lower()
    streams = (AGENT_PREFIX + agent for agent in ledger.agents())
    return (name for name in streams if wanted in name.lower())


def _line(ledger: Ledger, name: str, *, after: int) -> StreamLine:
    found = islice(ledger.events(stream=name, after=after, descending=True), 1)
    last = next((EventLine(event=event) for event in found), None)
    return StreamLine(name=name, count=ledger.journal.stream_version(name), last=last)
