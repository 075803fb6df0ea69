"""Composing a flush: what one fsync will write. Checks the limits, numbers, chains and encodes the events."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ledger.engine import limits
from ledger.engine.codec import encode
from ledger.engine.errors import (
    CauseRefused,
    CommandTooLarge,
    FingerprintRefused,
    KeyTooLong,
    SchemaRefused,
    StreamTooLong,
    SurrogateRefused,
    TextTooLong,
    TooManyEvents,
)
from ledger.engine.event import Command, Event, NewEvent
from ledger.engine.times import Clock

ENGINE_STREAM = "system:journal"
ENGINE_ACTOR = "system:engine"

_is_fingerprint = re.compile(r"[0-9a-f]{32}").fullmatch
_new = tuple.__new__


class Flush:
    """The events and lines of one flush that begins behind event ``seq`` with the raw hash ``digest``.

    Nothing outside changes until the flush is durable: versions and keys of its own events are looked up here first.
    """

    __slots__ = (
        "_clock",
        "_version_of",
        "digest",
        "events",
        "first",
        "key_rows",
        "keys",
        "lines",
        "seq",
        "size",
        "versions",
        "wall",
    )

    def __init__(self, seq: int, digest: bytes, clock: Clock, wall: int, version_of: Callable[[str], int]) -> None:
        self.first = seq + 1
        self.seq = seq
        self.digest = digest
        self.wall = wall
        self.lines: list[bytes] = []
        self.events: list[Event] = []
        self.keys: dict[str, tuple[Event, ...]] = {}
        self.key_rows: list[tuple[int, int]] = []
        self.size = 0
        self._clock = clock
        self.versions: dict[str, int] = {}
        self._version_of = version_of

    def version_of(self, stream: str) -> int:
        """The version of a stream with the events of this flush."""
        return self.versions.get(stream) or self._version_of(stream)

    def add(self, command: Command, drafts: Sequence[NewEvent], key_row: int = 0) -> tuple[Event, ...]:
        """The events of one command, all or none; ``key_row`` is the hash of its key.

        Raises a LimitExceeded subclass and then has changed nothing.
        """
        count = len(drafts)
        if count > limits.COMMAND_EVENTS_MAX:
            raise TooManyEvents(count=count, limit=limits.COMMAND_EVENTS_MAX)
        versions: dict[str, int] = {}
        lines: list[bytes] = []
        events: list[Event] = []
        seq, digest, first, actor, correlation = self.seq, self.digest, self.first, command.actor, command.correlation
        key, fingerprint = (command.key, command.fingerprint) if command.key else (None, None)
        cause = commit = None
        for draft, time in zip(drafts, self._clock.take(count, self.wall), strict=True):
            stream, kind, schema, values = draft.stream, draft.type, draft.schema, draft.data
            check_names(stream, kind)
            if schema.__class__ is not int or schema < 1:
                raise SchemaRefused(schema=schema)
            version = versions[stream] = (versions.get(stream) or self.version_of(stream)) + 1
            seq += 1
            fields: dict[str, Any] = {
                "seq": seq,
                "time": time,
                "stream": stream,
                "version": version,
                "type": kind,
                "schema": schema,
                "actor": actor,
                "correlation": correlation,
            }
            if draft.causation is not None or draft.caused_by is not None:
                fields["causation"] = cause = self._cause(draft, seq)
            if key is not None:
                fields["key"] = key
                fields["fingerprint"] = fingerprint
            fields["flush"] = first
            if count > 1:
                fields["commit"] = commit = (seq - self.seq, count)
            fields["data"] = values
            line, text, digest = encode(fields, digest)
            lines.append(line)
            about = (seq, time, stream, version, kind, schema, actor, correlation)
            events.append(_new(Event, (*about, cause, key, fingerprint, first, commit, values, text)))
            key = fingerprint = cause = None
        size = sum(map(len, lines))
        if size > limits.COMMAND_BYTES_MAX:
            raise CommandTooLarge(bytes=size, limit=limits.COMMAND_BYTES_MAX)
        self.lines += lines
        self.events += events
        self.versions.update(versions)
        self.seq, self.digest = seq, digest
        self.size += size
        found = tuple(events)
        if found and command.key:
            self.keys[command.key] = found
            self.key_rows.append((key_row, found[0].seq))
        return found

    def _cause(self, draft: NewEvent, seq: int) -> int:
        """The seq of what caused an event: given, or that of an earlier event of the same command; never both."""
        cause, index = draft.causation, draft.caused_by
        if index is not None:
            cause = self.seq + 1 + index if cause is None and index >= 0 else seq
        if cause is None or not 0 < cause < seq:
            raise CauseRefused(cause=cause, seq=seq)
        return cause

    def add_record(self, kind: str, values: dict[str, Any]) -> Event:
        """A record of the engine itself."""
        command = Command(key="", fingerprint="", actor=ENGINE_ACTOR, correlation=ENGINE_STREAM, decide=tuple)
        return self.add(command, (NewEvent(stream=ENGINE_STREAM, type=kind, data=values),))[0]


def check_command(command: Command) -> None:
    """Refuse a command whose own fields are beyond the limits; done before it waits for the lock."""
    key = command.key
    if not (key.isascii() and 0 < len(key) <= limits.KEY_BYTES_MAX):
        size = _bytes_of(key)
        if not 0 < size <= limits.KEY_BYTES_MAX:
            raise KeyTooLong(bytes=size, limit=limits.KEY_BYTES_MAX)
    if not _is_fingerprint(command.fingerprint):
        raise FingerprintRefused
    _check_field("actor", command.actor)
    _check_field("correlation", command.correlation)


@lru_cache(maxsize=4096)
def check_names(stream: str, kind: str) -> None:
    """Refuse a stream or type beyond the limits. What passed once is remembered: they come again and again."""
    size = _bytes_of(stream)
    if not 0 < size <= limits.STREAM_BYTES_MAX:
        raise StreamTooLong(bytes=size, limit=limits.STREAM_BYTES_MAX)
    _check_field("type", kind)


def _check_field(field: str, text: str) -> None:
    size = len(text) if text.isascii() else _bytes_of(text)
    if not 0 < size <= limits.TEXT_BYTES_MAX:
        raise TextTooLong(field=field, bytes=size, limit=limits.TEXT_BYTES_MAX)


def _bytes_of(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise SurrogateRefused from error
