"""Reading events with filters, in both directions, in constant memory and without the journal's lock."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from ledger.engine import limits
from ledger.engine.codec import decode
from ledger.engine.event import Event
from ledger.engine.keeper import damaged_line
from ledger.engine.store import Store
from ledger.engine.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What an event must be. ``types`` are exact names, or prefixes that end in ``.*``.

    ``mentions`` is a whole text value that stands anywhere in the record, such as an account in ``data``.
    """

    stream: str | None = None
    types: Sequence[str] | None = None
    actor: str | None = None
    correlation: str | None = None
    since: str | None = None
    before: str | None = None
    key: str | None = None
    mentions: str | None = None
    needles: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        """``needles``: bytes that stand in the line of every match, so that most lines are never parsed."""
        fields = {"stream": self.stream, "actor": self.actor, "correlation": self.correlation, "key": self.key}
        found = [b'"%b":%b' % (name.encode(), orjson.dumps(text)) for name, text in fields.items() if text is not None]
        if self.mentions is not None:
            found.append(orjson.dumps(self.mentions))
        if self.types is not None and len(self.types) == 1:
            name = self.types[0]
            found.append(b'"type":' + (orjson.dumps(name[:-1])[:-1] if name.endswith(".*") else orjson.dumps(name)))
        object.__setattr__(self, "needles", tuple(found))

    def is_match(self, event: Event) -> bool:
        """Whether the parsed event is wanted."""
        return (
            (self.stream is None or event.stream == self.stream)
            and (self.actor is None or event.actor == self.actor)
            and (self.correlation is None or event.correlation == self.correlation)
            and (self.key is None or event.key == self.key)
            and (self.since is None or event.time >= self.since)
            and (self.before is None or event.time < self.before)
            and (self.types is None or any(_is_type(event.type, wanted) for wanted in self.types))
        )


def _is_type(name: str, wanted: str) -> bool:
    return name.startswith(wanted[:-1]) if wanted.endswith(".*") else name == wanted


def read_events(
    store: Store, view: View, wanted: Filter, *, first: int, last: int, limit: int | None, is_descending: bool
) -> Iterator[Event]:
    """Matching events of the range ``first`` to ``last`` of what was durable. Raises Corrupt at damaged bytes."""
    first, last = _narrow(view, wanted, first, last)
    count = 0
    if limit is not None and limit <= 0:
        return
    for seq, lines in _blocks(view, first, last, is_descending):
        for event in _matches(store, view, wanted, seq, lines, is_descending):
            yield event
            count += 1
            if count == limit:
                return


def _narrow(view: View, wanted: Filter, first: int, last: int) -> tuple[int, int]:
    """Times never go backwards, so a range of times is a range of seqs, found by halving."""
    if wanted.since is not None:
        first = max(first, _first_at(view, wanted.since, first, last))
    if wanted.before is not None:
        last = min(last, _first_at(view, wanted.before, first, last) - 1)
    return first, last


def _first_at(view: View, time: str, low: int, high: int) -> int:
    """The first event from ``low`` on that is not before ``time``; ``high`` + 1 if there is none."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        event = decode(view.line_of(middle))
        if event is None:
            return low
        if event.time < time:
            low = middle + 1
        else:
            high = middle
    return low


def _blocks(view: View, first: int, last: int, is_descending: bool) -> Iterator[tuple[int, list[bytes]]]:
    """(seq of the first line, lines) in pieces of about a megabyte; the pieces come in the order asked for."""
    at = last if is_descending else first
    while first <= at <= last:
        segment = view.first_of(at)
        offsets = view.offsets_of(segment)
        end_seq = min(last, view.last_of(at))
        fd = view.env.open(view.layout.segment(segment), os.O_RDONLY)
        try:
            while max(segment, first) <= at <= end_seq:
                low, high = (max(segment, first), at) if is_descending else (at, end_seq)
                low, high = _piece(offsets, segment, low, high, is_descending)
                start, end = offsets[low - segment], offsets[high + 1 - segment]
                yield low, view.env.pread(fd, end - start, start).split(b"\n")[: high - low + 1]
                at = low - 1 if is_descending else high + 1
        finally:
            view.env.close(fd)


def _piece(offsets: "object", segment: int, low: int, high: int, is_descending: bool) -> tuple[int, int]:
    """The longest part of ``low`` to ``high`` at the wanted end that stays within a chunk; at least one event."""
    assert hasattr(offsets, "__getitem__")
    if is_descending:
        limit = offsets[high + 1 - segment] - limits.CHUNK_BYTES
        left, right = low, high
        while left < right:
            middle = (left + right) // 2
            if offsets[middle - segment] < limit:
                left = middle + 1
            else:
                right = middle
        return left, high
    limit = offsets[low - segment] + limits.CHUNK_BYTES
    left, right = low, high
    while left < right:
        middle = (left + right + 1) // 2
        if offsets[middle + 1 - segment] > limit:
            right = middle - 1
        else:
            left = middle
    return low, left


def _matches(
    store: Store, view: View, wanted: Filter, seq: int, lines: list[bytes], is_descending: bool
) -> Iterator[Event]:
    numbered = list(enumerate(lines, seq))
    for needle in wanted.needles:
        numbered = [one for one in numbered if needle in one[1]]
    for number, line in reversed(numbered) if is_descending else numbered:
        event = decode(line)
        if event is None or event.seq != number:
            raise damaged_line(store, view, number, line)
        if wanted.is_match(event):
            yield event
