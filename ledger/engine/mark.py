"""The durable mark: two 64-byte slots that say how far the journal is known to be durable.

A slot is written after each fsync and not synced itself: a valid slot is always true, but after a power cut it may be
old or missing. The two are written in turn, so that one torn write leaves the other.
"""

import os
import struct
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ledger.engine.env import Env

SLOT_BYTES = 64
_NO_FILE = -1
_BODY = struct.Struct("<QQQ32sI")
_CRC = struct.Struct("<I")


class Mark(NamedTuple):
    """Everything up to ``seq`` is durable; its record ends at ``offset`` of the segment that begins with ``segment``.

    ``digest`` is the raw hash of event ``seq``. ``is_poisoned``: an fsync failed after it. ``epoch`` counts the
    recoveries that put another file in the place of the segment: whoever has the old one open must read again.
    """

    seq: int
    segment: int
    offset: int
    digest: bytes
    epoch: int
    is_poisoned: bool = False


def pack(mark: Mark) -> bytes:
    """The 64 bytes of a slot."""
    seq, segment, offset, digest, epoch, is_poisoned = mark
    body = _BODY.pack(seq, segment, offset, digest, epoch << 1 | is_poisoned)
    return body + _CRC.pack(crc32(body))


def unpack(slot: bytes) -> Mark | None:
    """The mark in 64 bytes, or None if they are torn or damaged."""
    if len(slot) != SLOT_BYTES or _CRC.unpack_from(slot, _BODY.size)[0] != crc32(slot[: _BODY.size]):
        return None
    seq, segment, offset, digest, flags = _BODY.unpack_from(slot)
    return Mark(seq, segment, offset, digest, flags >> 1, bool(flags & 1))


class MarkFile:
    """The file ``durable``. Writing needs the journal's lock, reading does not."""

    __slots__ = ("_env", "_fd", "_raw", "_turn")

    def __init__(self, env: Env, path: Path, *, read_only: bool) -> None:
        """For reading a missing file is as good as a damaged one: there is no mark."""
        self._env = env
        self._fd = _NO_FILE
        if not read_only or env.exists(path):
            self._fd = env.open(path, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT)
        self._raw = b"?"
        self._turn = 0

    def is_new(self) -> bool:
        """Whether the slots differ from what was read or written here last."""
        return self._fd != _NO_FILE and self._env.pread(self._fd, 2 * SLOT_BYTES, 0) != self._raw

    def read(self) -> Mark | None:
        """The newest valid mark, None if there is none."""
        if self._fd == _NO_FILE:
            return None
        raw = self._env.pread(self._fd, 2 * SLOT_BYTES, 0)
        found = [unpack(raw[:SLOT_BYTES]), unpack(raw[SLOT_BYTES:])]
        valid = [mark for mark in found if mark is not None]
        if not valid:
            return None
        self._raw = raw
        newest = max(valid, key=lambda mark: (mark.epoch, mark.seq, mark.is_poisoned))
        self._turn = 1 - found.index(newest)
        return newest

    def write(self, mark: Mark) -> None:
        """Into the older slot, so that the newest stays readable while this one is written."""
        slot = pack(mark)
        turn = self._turn
        self._env.pwrite(self._fd, slot, turn * SLOT_BYTES)
        self._raw = self._raw[:SLOT_BYTES] + slot if turn else slot + self._raw[SLOT_BYTES:]
        self._turn = 1 - turn

    def reset(self, mark: Mark) -> None:
        """Both slots, durably: when the old ones are damaged or must not be believed any more."""
        self._env.pwrite(self._fd, pack(mark) * 2, 0)
        self._env.fdatasync(self._fd)
        self._raw = b"?"

    def forget(self) -> None:
        """Read the file again before believing anything about it."""
        self._raw = b"?"

    def sync(self) -> None:
        """Make the mark survive a power cut too: done when a segment is sealed and when the journal is closed."""
        self._env.fdatasync(self._fd)

    def close(self) -> None:
        if self._fd != _NO_FILE:
            self._env.close(self._fd)
