"""Reading a journal of ours the tolerant way: every line is looked at, the damaged ones are named and the rest goes on.

The engine stops at the first damaged record, because nothing behind it may be trusted. A check wants to know all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import orjson

from ledger.credits.invariant_lines import Findings, Said
from ledger.engine.codec import CRC_BYTES, TAIL_BYTES, event_of
from ledger.engine.event import Event
from ledger.engine.limits import CHUNK_BYTES, EVENT_BYTES_MAX
from ledger.engine.messages import gettext_noop

_ZERO = bytes(32)
_HASH = re.compile("[0-9a-f]{64}")
_LINE = gettext_noop("%(file)s line %(line)s")


class Place(NamedTuple):
    """Where an event stands."""

    file: str
    line: int

    @property
    def said(self) -> Said:
        """As a sentence has it."""
        return Said.of(_LINE, file=self.file, line=self.line)


class Scanner:
    """Reads segments in order. Reports records, chain, order and finite; hands out every event it can read."""

    def __init__(self, findings: Findings, *, durable_seq: int | None) -> None:
        self._findings = findings
        self._durable_seq = durable_seq
        self._previous: bytes | None = None
        self._last_time = ""
        self.first_seq = 0
        self.seq = 0
        self.event_count = 0
        self.bytes_read = 0
        self.digest_at_durable: bytes | None = None
        self.torn: Place | None = None

    def scan(self, path: Path) -> Iterator[tuple[Place, Event]]:
        """The readable events of one segment file."""
        has_padding = False
        for number, line, is_whole in self._lines(path):
            place = Place(path.name, number)
            if not line:
                if self._is_behind_mark():
                    return
                has_padding = True
                continue
            event = self._parse(place, line, is_whole)
            if event is None:
                if self.torn:
                    return
                continue
            if has_padding:
                self._findings.add("records", place.said, gettext_noop("a record behind empty lines"))
                has_padding = False
            self._check(place, line, event)
            yield place, event

    def _parse(self, place: Place, line: bytes, is_whole: bool) -> Event | None:
        try:
            event = event_of(orjson.loads(line))
            bytes.fromhex(event.hash)
            if _is_event(event):
                return event
        except (ValueError, KeyError, TypeError, IndexError):
            pass  # what cannot be read is reported below
        if self._is_behind_mark():
            self.torn = place
            return None
        self._previous = None
        self.seq += 1
        if not is_whole:
            self._findings.add("records", place.said, gettext_noop("the last record is cut"))
            return None
        constant = _constant_in(line)
        if constant:
            self._findings.add("finite", place.said, gettext_noop("%(found)s instead of a number"), found=constant)
        self._findings.add("records", place.said, gettext_noop("not a record"))
        self._findings.add("chain", place.said, gettext_noop("what stood here is lost"))
        return None

    def _is_behind_mark(self) -> bool:
        """Nothing was confirmed from here on when the check began: somebody may be writing it now."""
        return self._durable_seq is not None and self.seq >= self._durable_seq

    def _check(self, place: Place, line: bytes, event: Event) -> None:
        if not self.event_count:
            self._begin(event)
        self.event_count += 1
        expected = self.seq + 1
        if event.seq != expected:
            what = gettext_noop("event %(found)s where event %(expected)s belongs")
            self._findings.add("order", place.said, what, found=event.seq, expected=expected)
        if event.time < self._last_time:
            self._findings.add("order", place.said, gettext_noop("time goes back to %(time)s"), time=event.time)
        self._last_time = event.time
        self.seq = event.seq
        if self._previous is not None:
            digest = sha256(self._previous + line[:-TAIL_BYTES])
            if digest.hexdigest() != event.hash:
                is_whole = line[-CRC_BYTES:] == b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES])
                changed = gettext_noop("the line was changed")
                what = gettext_noop("it does not follow the record before it") if is_whole else changed
                self._findings.add("chain", place.said, what)
            elif line[-CRC_BYTES:] != b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES]):
                self._findings.add("chain", place.said, gettext_noop("its checksum was changed"))
        self._previous = bytes.fromhex(event.hash)
        if event.seq == self._durable_seq:
            self.digest_at_durable = self._previous

    def _begin(self, event: Event) -> None:
        """A segment that is not the first one says in its first record where the chain stood."""
        self.first_seq = event.seq
        self.seq = event.seq - 1
        previous = event.data.get("previous")
        if event.seq == 1:
            self._previous = _ZERO
        elif event.type == "segment.opened" and isinstance(previous, str) and _HASH.fullmatch(previous):
            self._previous = bytes.fromhex(previous)

    def _lines(self, path: Path) -> Iterator[tuple[int, bytes, bool]]:
        """(number, line, whether it ended in a newline); long runs of padding come as one empty line.

        Of a file that grows meanwhile, what it was at the beginning.
        """
        number, rest = 0, b""
        with path.open("rb") as file:
            stop = os.fstat(file.fileno()).st_size
            while chunk := file.read(min(CHUNK_BYTES, stop - file.tell())):
                self.bytes_read += len(chunk)
                if not rest and not chunk.strip(b"\n"):
                    number += len(chunk)
                    yield number, b"", True
                    continue
                content = rest + chunk
                padding = max(len(content) - len(content.rstrip(b"\n")) - 1, 0)
                *lines, rest = content[: len(content) - padding].split(b"\n")
                for line in lines:
                    number += 1
                    yield number, line, True
                if padding:
                    number += padding
                    yield number, b"", True
                if len(rest) > 2 * EVENT_BYTES_MAX:
                    yield number + 1, rest, False
                    return
        if rest:
            yield number + 1, rest, False


def _is_event(event: Event) -> bool:
    """Whether the fields that a check relies on are what they should be; JSON may hold anything."""
    texts = (event.time, event.stream, event.type)
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(event.seq, int)
        and isinstance(event.data, dict)
        and (event.key is None or isinstance(event.key, str))
    )


def _constant_in(line: bytes) -> str | None:
    """NaN or an infinity that a JSON line carries, if that is what keeps it from being JSON."""
    found: list[str] = []
    try:
        json.loads(line, parse_constant=found.append)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None
