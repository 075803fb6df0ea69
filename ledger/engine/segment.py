"""One segment file that is being written: filled ahead with newlines, so that a flush never changes its size."""

import errno
import os
from pathlib import Path

from ledger.engine import limits
from ledger.engine.env import Env
from ledger.engine.errors import JournalFull
from ledger.engine.index import Tables
from ledger.engine.layout import Layout, sync_names, write_all

OPENED = "segment.opened"
SEALED = "segment.sealed"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Segment:
    """The active segment. ``end`` is where the next record goes; behind it, up to ``filled``, only newlines."""

    __slots__ = ("_env", "_fill_bytes", "end", "fd", "filled", "first", "is_sealed", "path", "tables")

    def __init__(
        self, env: Env, layout: Layout, *, first: int, segment_bytes: int, read_only: bool, tables: Tables | None
    ) -> None:
        self._env = env
        self.tables = tables
        self._fill_bytes = fill_bytes(segment_bytes)
        self.first = first
        self.path = layout.segment(first)
        try:
            self.fd = env.open(self.path, os.O_RDONLY if read_only else os.O_RDWR)
        except PermissionError:  # a sealed one is read-only, and nobody writes to it any more
            self.fd = env.open(self.path, os.O_RDONLY)
        self.filled = 0
        self.end = 0
        self.is_sealed = False

    def size(self) -> int:
        return self._env.size(self.fd)

    def has_more(self) -> bool:
        """Whether something follows ``end`` that is neither padding nor the end of the file."""
        return self._env.pread(self.fd, 1, self.end) not in (b"\n", b"")

    def is_filled(self, length: int) -> bool:
        """Whether ``length`` bytes from ``end`` on are filled.

        The size is asked again before the answer is no: another process may have filled and written there.
        """
        needed = self.end + length
        if needed > self.filled:
            self.filled = self._env.size(self.fd)
        return needed <= self.filled

    def reserve(self, length: int) -> None:
        """Fill ``length`` bytes from ``end`` on, not yet durably. OSError as the system raises it."""
        needed = self.end + length
        filled = -(-needed // self._fill_bytes) * self._fill_bytes
        fill(self._env, self.fd, self.filled, filled)
        self.filled = filled

    def write(self, content: bytes) -> None:
        """Put ``content`` at ``end``, which the caller then moves. The space was reserved before."""
        write_all(self._env, self.fd, content, self.end)

    def erase(self, start: int, stop: int) -> None:
        """Overwrite with newlines, durably: nothing may be found there by a later reader."""
        fill(self._env, self.fd, start, stop)
        self._env.fsync(self.fd)

    def close(self) -> None:
        self._env.close(self.fd)


def fill_bytes(segment_bytes: int) -> int:
    """The step of filling ahead: 4 MiB, or less for small segments."""
    return min(limits.FILL_BYTES, max(segment_bytes, limits.SEGMENT_BYTES_MIN))


def fill(env: Env, fd: int, start: int, stop: int) -> None:
    """Newlines from ``start`` to ``stop``; the caller makes them durable."""
    for at in range(start, stop, limits.FILL_BYTES):
        write_all(env, fd, b"\n" * (min(at + limits.FILL_BYTES, stop) - at), at)


def prepare_next(env: Env, layout: Layout, *, first: int, segment_bytes: int) -> Path:
    """A temporary file with its space filled, so that a full disk is met before a segment is sealed."""
    temporary = layout.segment(first).with_suffix(".tmp")
    fd = env.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        fill(env, fd, 0, fill_bytes(segment_bytes))
        env.fsync(fd)
    finally:
        env.close(fd)
    return temporary


def put_in_place(env: Env, layout: Layout, temporary: Path, *, first: int, line: bytes) -> None:
    """Write the first record and give the segment its name, each durable before the next step."""
    fd = env.open(temporary, os.O_RDWR)
    try:
        write_all(env, fd, line, 0)
        env.fsync(fd)
    finally:
        env.close(fd)
    env.link(temporary, layout.segment(first))
    env.unlink(temporary)
    sync_names(env, layout)


def full_error(env: Env, layout: Layout, *, is_full: bool) -> JournalFull | None:
    """The refusal if the disk is above the write-block mark: 95 % used and less than 2 GiB free; it ends below 90 %."""
    size, free = env.disk(layout.path)
    percent = 100 - 100 * free // size if size else 0
    mark = limits.RESUME_PERCENT if is_full else limits.FULL_PERCENT
    if percent >= mark and free < limits.FREE_BYTES_MIN:
        return JournalFull(used_percent=percent, free_bytes=free)
    return None
