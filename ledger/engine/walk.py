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
from ledger.engine.segment import SEALED

Failure = tuple[str, str]
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

    ``offset``, ``seq`` and ``digest`` stand behind the last verified record. ``problem`` says why the walk ended: None
    means only newlines follow (or its end was reached).
    """

    __slots__ = ("_env", "_fd", "_is_sealed", "_segment", "_stop", "digest", "offset", "problem", "seq")

    def __init__(self, *, env: Env, fd: int, segment: int, offset: int, seq: int, digest: bytes) -> None:
        self._env = env
        self._fd = fd
        self._segment = segment
        self._is_sealed, self._stop = False, 0
        self.offset = offset
        self.seq = seq
        self.digest = digest
        self.problem: Problem | None = None

    def walk(self, stop: int, until: int | None = None) -> Iterator[tuple[list[Event], list[int]]]:
        """Events up to byte ``stop`` or event ``until``, a chunk at a time, and the bytes of their records.

        Hashing a chunk and then parsing it is a tenth faster than doing both line by line.
        """
        self._stop = stop
        for lines in self._lines(stop):
            if until is not None:
                del lines[until - self.seq :]
            digests, failure = _chained(self.digest, lines)
            events, misread = _parsed(self.seq, lines[: len(digests)])
            if events:
                lengths = [len(line) + 1 for line in lines[: len(events)]]
                self.seq, self.digest = events[-1].seq, digests[len(events) - 1]
                self.offset += sum(lengths)
                self._is_sealed = events[-1].type == SEALED
                yield events, lengths
            if failure := misread or failure:
                self.fail(*failure)
                return
            if self.seq == until:
                return

    def _lines(self, stop: int) -> Iterator[list[bytes]]:
        """Whole lines, chunk by chunk, up to the padding; each chunk was walked over when the next is asked for."""
        at, rest = self.offset, b""
        while at < stop:
            chunk = self._env.pread(self._fd, min(limits.CHUNK_BYTES, stop - at), at)
            if not chunk:
                break
            at += len(chunk)
            content = rest + chunk
            if content.endswith(b"\n\n"):  # of all the padding one empty line is enough
                content = content[: content.find(b"\n\n") + 2]
            *lines, rest = content.split(b"\n")
            is_end = b"" in lines
            if is_end:
                del lines[lines.index(b"") :]
            if lines:
                yield lines
            if is_end:
                self._check_padding(stop)
                return
            if len(rest) > limits.EVENT_BYTES_MAX:
                break
        if rest:
            self.fail("a record that ends in a newline", shown_text(rest[-_SHOWN_BYTES:]))

    def _check_padding(self, stop: int) -> None:
        """Behind the last record there may be newlines only."""
        for at in range(self.offset, stop, limits.CHUNK_BYTES):
            chunk = self._env.pread(self._fd, min(limits.CHUNK_BYTES, stop - at), at)
            if chunk != b"\n" * len(chunk):
                other = chunk.lstrip(b"\n")
                self.fail("a record or nothing but newlines", shown_text(other[:_SHOWN_BYTES]))
                return

    def fail(self, expected: str, found: str) -> None:
        """This is where the records end badly.

        Behind a seal zeros are as good as newlines: padding that was lost there is not filled again.
        """
        if self._is_sealed and written_end(self._env, self._fd, self.offset, self._stop) == self.offset:
            return
        self.problem = Problem(
            segment=self._segment, seq=self.seq + 1, offset=self.offset, expected=expected, found=found or "nothing"
        )


def _chained(digest: bytes, lines: list[bytes]) -> tuple[list[bytes], Failure | None]:
    """The hashes of the lines behind ``digest``, up to the first line whose hash or crc is not what it must be."""
    sha256, crc = hashlib.sha256, crc32
    digests: list[bytes] = []
    for line in lines:
        digest = sha256(digest + line[:-TAIL_BYTES]).digest()
        tail = b',"hash":"%b","crc":"%08x"}' % (digest.hex().encode(), crc(line[:-CRC_BYTES]))
        if line[-TAIL_BYTES:] != tail:
            return digests, (f"a record that ends in {shown_text(tail)}", shown_text(line[-TAIL_BYTES:]))
        digests.append(digest)
    return digests, None


def _parsed(seq: int, lines: list[bytes]) -> tuple[list[Event], Failure | None]:
    """The events of lines behind event ``seq``, up to the first that is no record or not the next one."""
    loads = orjson.loads
    events: list[Event] = []
    for number, line in enumerate(lines, seq + 1):
        try:
            event = event_of(loads(line))
        except (ValueError, KeyError, TypeError, IndexError):
            return events, ("a record", shown_text(line))
        if event[0] != number:
            return events, (f"seq {number}", f"seq {event.seq}")
        events.append(event)
    return events, None


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


def written_end(env: Env, fd: int, start: int, stop: int) -> int:
    """Where the last byte that is neither newline nor NUL ends; ``start`` if there is none."""
    end = start
    for at in range(start, stop, limits.CHUNK_BYTES):
        chunk = env.pread(fd, min(limits.CHUNK_BYTES, stop - at), at)
        if chunk != b"\n" * len(chunk):
            written = len(chunk.rstrip(b"\n\0"))
            end = at + written if written else end
    return end


def shown_text(content: bytes) -> str:
    """For people and for ``journal.recovered``: short, and without characters that a record must not have."""
    shown = content if len(content) <= 2 * TAIL_BYTES else content[:_SHOWN_BYTES] + b"..."
    text = shown.decode("utf-8", errors="backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
