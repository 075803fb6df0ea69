"""Catch-up and live with one cursor: what is durable after it, and how soon to look again when that is nothing.

This is the one way in which anything follows a journal: subscribers, `ledger tail -f` and the events of the API. A look
costs one read of the 128 bytes of the journal's mark, from any process; nobody has to be told, so writers pay nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.engine.errors import UnknownSeq
from ledger.engine.event import Event
from ledger.engine.journal import Journal
from ledger.subscriptions.errors import TypePatternRefused

EVENTS_SCANNED_MAX = 100_000
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.001, 0.010
_IDLE_PER_PAUSE = 20
_is_pattern = re.compile(r"[a-z_]{1,60}\.([a-z_]{1,60}|\*)", re.ASCII).fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """Which events somebody wants: all of these must fit. `types` are names, or families such as `credit.*`."""

    types: tuple[str, ...] = ()
    stream: str | None = None
    correlation: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could never match. TypePatternRefused."""
        for pattern in self.types:
            if not _is_pattern(pattern):
                raise TypePatternRefused(pattern=pattern)

    def __str__(self) -> str:
        """In the words of the command line."""
        said = [*self.types]
        said += [f"stream {self.stream}"] if self.stream is not None else []
        said += [f"correlation {self.correlation}"] if self.correlation is not None else []
        return ", ".join(said) or "*"

    def read(
        self,
        journal: Journal,
        *,
        after: int,
        until: int | None = None,
        limit: int | None = None,
        stream: str | None = None,
    ) -> Iterator[Event]:
        """Durable events with seq > `after` and <= `until`, oldest first; those of one `stream` of it, if given."""
        return journal.read(
            after=after,
            until=until,
            limit=limit,
            types=self.types or None,
            stream=self.stream if stream is None else stream,
            correlation=self.correlation,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """Events after a cursor. `next_after` is where to go on; `head` is where the journal ended when this was read."""

    events: tuple[Event, ...]
    next_after: int
    head: int


def events_after(journal: Journal, *, after: int, limit: int, interest: Interest) -> EventPage:
    """At most `limit` events, from a bounded stretch, so that no rare wish keeps others waiting: a page may be empty.

    Whoever goes on with `next_after` meets every matching event exactly once. UnknownSeq for a cursor beyond the end:
    it comes from another journal, and waiting for its successor would silently miss what this one holds.
    """
    head = journal.head.seq
    if after > head:
        raise UnknownSeq(seq=after, head=head)
    last = min(head, after + EVENTS_SCANNED_MAX)
    found = tuple(interest.read(journal, after=after, until=last, limit=limit)) if last > after else ()
    return EventPage(events=found, next_after=found[-1].seq if len(found) == limit else last, head=head)


def pause_seconds(idle_seconds: float) -> float:
    """How long to wait before the next look: a millisecond while events come, ten when none came for a while."""
    return min(max(idle_seconds / _IDLE_PER_PAUSE, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)
