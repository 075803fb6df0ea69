"""Composing a flush: what one fsync will write. Checks the limits, numbers, chains and encodes the events."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from ledger.engine import limits
from ledger.engine.codec import encode
from ledger.engine.errors import (
    CauseRefused,
    CommandTooLarge,
    FingerprintRefused,
    KeyTooLong,
    LimitExceeded,
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
        "_versions",
        "digest",
        "events",
        "first",
        "keys",
        "lines",
        "seq",
        "size",
        "wall",
    )

    def __init__(self, *, seq: int, digest: bytes, clock: Clock, wall: int, version_of: Callable[[str], int]) -> None:
        self.first = seq + 1
        self.seq = seq
        self.digest = digest
        self.wall = wall
        self.lines: list[bytes] = []
        self.events: list[Event] = []
        self.keys: dict[str, tuple[Event, ...]] = {}
        self.size = 0
        self._clock = clock
        self._versions: dict[str, int] = {}
        self._version_of = version_of

    def version_of(self, stream: str) -> int:
        """The version of a stream with the events of this flush."""
        return self._versions.get(stream) or self._version_of(stream)

    def add(self, command: Command, drafts: Sequence[NewEvent]) -> tuple[Event, ...]:
        """The events of one command, all or none. Raises a LimitExceeded subclass and then has changed nothing."""
        count = len(drafts)
        if count > limits.COMMAND_EVENTS_MAX:
            raise TooManyEvents(count=count, limit=limits.COMMAND_EVENTS_MAX)
        versions: dict[str, int] = {}
        lines: list[bytes] = []
        events: list[Event] = []
        digest, size = self.digest, 0
        for index, draft in enumerate(drafts):
            check_draft(draft)
            stream = draft.stream
            version = (versions.get(stream) or self.version_of(stream)) + 1
            versions[stream] = version
            event = self._event(command, draft, index, count, version)
            line, digest, text = encode(_fields(event), digest)
            size += len(line)
            lines.append(line)
            events.append(_new(Event, (*event[:14], text)))
        if size > limits.COMMAND_BYTES_MAX:
            raise CommandTooLarge(bytes=size, limit=limits.COMMAND_BYTES_MAX)
        made = tuple(events)
        self.lines += lines
        self.events += events
        self._versions.update(versions)
        self.seq += count
        self.digest = digest
        self.size += size
        if made and command.key:
            self.keys[command.key] = made
        return made

    def add_record(self, kind: str, values: dict[str, Any]) -> Event:
        """A record of the engine itself."""
        command = Command(key="", fingerprint="", actor=ENGINE_ACTOR, correlation=ENGINE_STREAM, decide=tuple)
        return self.add(command, (NewEvent(stream=ENGINE_STREAM, type=kind, data=values),))[0]

    def _event(self, command: Command, draft: NewEvent, index: int, count: int, version: int) -> Event:
        """The event without its hash."""
        seq = self.seq + 1 + index
        cause = draft.causation
        if draft.caused_by is not None:
            cause = self.seq + 1 + draft.caused_by if cause is None and draft.caused_by >= 0 else seq
        if cause is not None and not 0 < cause < seq:
            raise CauseRefused(cause=cause, seq=seq)
        has_key = index == 0 and command.key
        return Event(
            seq,
            self._clock.next(self.wall),
            draft.stream,
            version,
            draft.type,
            draft.schema,
            command.actor,
            command.correlation,
            cause,
            command.key if has_key else None,
            command.fingerprint if has_key else None,
            self.first,
            (index + 1, count) if count > 1 else None,
            draft.data,
            "",
        )


def _fields(event: Event) -> dict[str, Any]:
    """What is written, in its fixed order; absent fields are left out."""
    seq, time, stream, version, kind, schema, actor, correlation, cause, key, fingerprint, flush, commit, data, _ = (
        event
    )
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
    if cause is not None:
        fields["causation"] = cause
    if key is not None:
        fields["key"] = key
        fields["fingerprint"] = fingerprint
    fields["flush"] = flush
    if commit is not None:
        fields["commit"] = commit
    fields["data"] = data
    return fields


def check_command(command: Command) -> None:
    """Refuse a command whose own fields are beyond the limits; done before it waits for the lock."""
    _check_text(command.key, limits.KEY_BYTES_MAX, lambda size: KeyTooLong(bytes=size, limit=limits.KEY_BYTES_MAX))
    if not _is_fingerprint(command.fingerprint):
        raise FingerprintRefused
    _check_field("actor", command.actor)
    _check_field("correlation", command.correlation)


def check_draft(draft: NewEvent) -> None:
    """Refuse an event whose names or schema are beyond the limits; its data is checked when it is encoded."""
    limit = limits.STREAM_BYTES_MAX
    _check_text(draft.stream, limit, lambda size: StreamTooLong(bytes=size, limit=limit))
    _check_field("type", draft.type)
    if type(draft.schema) is not int or not 0 < draft.schema <= limits.INTEGER_MAX:
        raise SchemaRefused(schema=draft.schema)


def _check_field(field: str, text: str) -> None:
    limit = limits.TEXT_BYTES_MAX
    _check_text(text, limit, lambda size: TextTooLong(field=field, bytes=size, limit=limit))


def _check_text(text: str, limit: int, refusal: Callable[[int], LimitExceeded]) -> None:
    """1 to ``limit`` bytes of UTF-8. A character takes at most four, so most texts need no encoding to know."""
    if 0 < 4 * len(text) <= limit and text.isascii():
        return
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise SurrogateRefused from error
    if not 0 < size <= limit:
        raise refusal(size)
