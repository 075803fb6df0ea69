"""Reading events with filters, in both directions, in constant memory and without the journal's lock."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from ledger.engine import limits
from ledger.engine.codec import decode
from ledger.engine.event import Event
from ledger.engine.keeper import damaged_line
from ledger.engine.store import Store
from ledger.engine.view import Places, View


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
    for piece in _pieces(view, first, last, is_descending):
        for event in _matches(store, view, wanted, piece, is_descending):
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
    """The first event from ``low`` on that is not before ``time``, or a damaged one; ``high`` + 1 if there is none."""

    def time_of(seq: int) -> str:
        event = decode(view.line_of(seq))
        return time if event is None else event.time

    return low + bisect_left(range(low, high + 1), time, key=time_of)


class _Piece(NamedTuple):
    """The records of the events ``low`` to ``high`` of one segment; ``start`` is where ``content`` stands in it."""

    segment: int
    low: int
    high: int
    start: int
    content: bytes
    offsets: Places


def _pieces(view: View, first: int, last: int, is_descending: bool) -> Iterator[_Piece]:
    """Pieces of about a chunk, in the order asked for."""
    at = last if is_descending else first
    while first <= at <= last:
        segment = view.first_of(at)
        offsets = view.offsets_of(segment)
        end_seq = min(last, view.last_of(at))
        fd = view.env.open(view.layout.segment(segment), os.O_RDONLY)
        try:
            while max(segment, first) <= at <= end_seq:
                low, high = (max(segment, first), at) if is_descending else (at, end_seq)
                low, high = _within_a_chunk(offsets, segment, low, high, is_descending)
                start, end = offsets[low - segment], offsets[high + 1 - segment]
                yield _Piece(segment, low, high, start, view.env.pread(fd, end - start, start), offsets)
                at = low - 1 if is_descending else high + 1
        finally:
            view.env.close(fd)


def _within_a_chunk(offsets: Places, segment: int, low: int, high: int, is_descending: bool) -> tuple[int, int]:
    """The longest part of ``low`` to ``high`` at the wanted end that stays within a chunk; at least one event."""
    if is_descending:
        limit = offsets[high + 1 - segment] - limits.CHUNK_BYTES
        return bisect_left(offsets, limit, low - segment, high - segment) + segment, high
    limit = offsets[low - segment] + limits.CHUNK_BYTES
    return low, max(bisect_right(offsets, limit, low + 1 - segment, high + 2 - segment) + segment - 2, low)


def _matches(store: Store, view: View, wanted: Filter, piece: _Piece, is_descending: bool) -> Iterator[Event]:
    """Every record that may match is checked against its crc and its place before anybody sees it."""
    segment, low, high, start, content, offsets = piece
    found = [*_lines(content, wanted.needles)]
    if start + len(content) < offsets[high + 1 - segment] or not content.endswith(b"\n"):
        found.append((content.rfind(b"\n") + 1, b""))  # cut off since it was verified
    for at, line in reversed(found) if is_descending else found:
        event = decode(line)
        if event is None or not low <= event.seq <= high or offsets[event.seq - segment] != start + at:
            number = segment + bisect_right(offsets, start + at, low - segment, high + 1 - segment) - 1
            raise damaged_line(store, view, number, line)
        if wanted.is_match(event):
            yield event


def _lines(content: bytes, needles: tuple[bytes, ...]) -> Iterator[tuple[int, bytes]]:
    """(where it begins, line without newline) of those that hold every needle; the first is sought in all at once."""
    at, stop = 0, len(content)
    if not needles:
        for line in content.split(b"\n")[: content.count(b"\n")]:
            yield at, line
            at += len(line) + 1
        return
    needle, *others = needles
    while (hit := content.find(needle, at)) >= 0:
        start = content.rfind(b"\n", at, hit) + 1 or at
        at = content.find(b"\n", hit) + 1 or stop
        line = content[start : at - 1]
        if all(other in line for other in others):
            yield start, line
