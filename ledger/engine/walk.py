"""Walking over records: each is checked against its crc, the chain and its place before anybody sees it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import orjson

from ledger.engine import limits
from ledger.engine.codec import CRC_BYTES, TAIL_BYTES, decode, event_of
from ledger.engine.env import Env
from ledger.engine.event import Event

_SHOWN_BYTES = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Where a record should be and is not. ``offset`` in bytes within the segment that begins with ``segment``."""

    segment: int
    seq: int
    offset: int
    expected: str
    found: str

    @property
    def line(self) -> int:
        """The line of the segment, from 1: before a problem every record is exactly one line."""
        return self.seq - self.segment + 1


class Walker:
    """Reads the records of one segment in order, from ``offset`` on, where event ``seq`` + 1 is expected.

    After the walk, ``offset``, ``seq`` and ``digest`` stand behind the last verified record and ``problem`` says why it
    ended: None means only newlines follow (or ``stop`` was reached).
    """

    __slots__ = ("_env", "_fd", "_segment", "digest", "offset", "problem", "seq")

    def __init__(self, *, env: Env, fd: int, segment: int, offset: int, seq: int, digest: bytes) -> None:
        self._env = env
        self._fd = fd
        self._segment = segment
        self.offset = offset
        self.seq = seq
        self.digest = digest
        self.problem: Problem | None = None

    def walk(self, stop: int) -> Iterator[Event]:
        """Events up to byte ``stop``. While an event is with the caller, ``offset`` is where its record ends."""
        loads, sha256, crc = orjson.loads, hashlib.sha256, crc32
        for lines, is_last in self._lines(stop):
            for line in lines:
                if not line:
                    self._check_padding(stop)
                    return
                digest = sha256(self.digest + line[:-TAIL_BYTES]).digest()
                tail = b',"hash":"%b","crc":"%08x"}' % (digest.hex().encode(), crc(line[:-CRC_BYTES]))
                if line[-TAIL_BYTES:] != tail:
                    self._fail(line, f"a record that ends in {shown_text(tail)}", shown_text(line[-TAIL_BYTES:]))
                    return
                try:
                    event = event_of(loads(line))
                except (ValueError, KeyError, TypeError, IndexError):
                    self._fail(line, "a record", shown_text(line))
                    return
                if event.seq != self.seq + 1:
                    self._fail(line, f"seq {self.seq + 1}", f"seq {event.seq}")
                    return
                self.seq += 1
                self.digest = digest
                self.offset += len(line) + 1
                yield event
            if is_last:
                return

    def _lines(self, stop: int) -> Iterator[tuple[list[bytes], bool]]:
        """Whole lines, chunk by chunk; an empty line is the beginning of the padding."""
        at, rest = self.offset, b""
        while at < stop:
            chunk = self._env.pread(self._fd, min(limits.CHUNK_BYTES, stop - at), at)
            if not chunk:
                break
            at += len(chunk)
            lines, rest = _split(rest + chunk)
            if lines:
                yield lines, False
            if len(rest) > limits.EVENT_BYTES_MAX:
                break
        if rest:
            self._fail(rest, "a record that ends in a newline", shown_text(rest[-_SHOWN_BYTES:]))
        yield [], True

    def _check_padding(self, stop: int) -> None:
        """Behind the last record there may be newlines only."""
        for at in range(self.offset, stop, limits.CHUNK_BYTES):
            chunk = self._env.pread(self._fd, min(limits.CHUNK_BYTES, stop - at), at)
            if chunk != b"\n" * len(chunk):
                other = chunk.lstrip(b"\n")
                self._fail(b"", "a record or nothing but newlines", shown_text(other[:_SHOWN_BYTES]))
                return

    def _fail(self, line: bytes, expected: str, found: str) -> None:
        self.problem = Problem(
            segment=self._segment, seq=self.seq + 1, offset=self.offset, expected=expected, found=found or "nothing"
        )


def later_flush(*, env: Env, fd: int, start: int, stop: int) -> int:
    """The highest ``flush`` of any record between ``start`` and ``stop`` that is whole by itself, 0 if there is none.

    Such a record proves that everything before its flush was durable once: torn and corrupt are told apart by it.
    """
    highest, at, rest = 0, start, b""
    while at < stop:
        chunk = env.pread(fd, min(limits.CHUNK_BYTES, stop - at), at)
        if not chunk:
            break
        at += len(chunk)
        if not rest and chunk == b"\n" * len(chunk):
            continue
        body, _, rest = (rest + chunk).rpartition(b"\n")
        rest = rest[-limits.EVENT_BYTES_MAX :]
        for line in filter(None, body.strip(b"\n").split(b"\n")):
            if line.endswith(b'"}') and (event := decode(line)) is not None:
                highest = max(highest, event.flush)
    last = decode(rest)
    return highest if last is None else max(highest, last.flush)


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines and the rest; of millions of newlines of padding one empty line is enough to end the walk."""
    if content.startswith(b"\n"):
        return [b""], b""
    padding = content.find(b"\n\n")
    if padding >= 0:
        return [*content[:padding].split(b"\n"), b""], b""
    lines = content.split(b"\n")
    return lines, lines.pop()


def shown_text(content: bytes) -> str:
    """For people and for ``journal.recovered``: short, and without characters that a record must not have."""
    shown = content if len(content) <= 2 * TAIL_BYTES else content[:_SHOWN_BYTES] + b"..."
    text = shown.decode("utf-8", errors="backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
