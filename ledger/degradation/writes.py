"""What the disk did with the writes of this process: counted by the second, for the last half minute.

One flush costs two readings of the clock and an addition; commands cost nothing.
"""

from __future__ import annotations

from dataclasses import fields

from ledger.degradation.states import LATENCY_CRITICAL_MICROS, LATENCY_WARNING_MICROS, STUCK_MICROS, Counts
from ledger.engine.env import OsEnv
from ledger.engine.segment import NO_SPACE

WINDOW_SECONDS = 30
_SECOND = 1_000_000
_FIELDS = tuple(one.name for one in fields(Counts))


class Writes:
    """Counts of the last seconds. One journal's lock serialises those who write; whoever asks only reads."""

    def __init__(self) -> None:
        self._seconds: dict[int, list[int]] = {}
        self.began_micros = 0

    def clear(self) -> None:
        """Forget what was counted: somebody says that it no longer tells anything."""
        self._seconds.clear()

    def add(self, *, at_micros: int, took_micros: int, is_failed: bool) -> None:
        """Count one write that ended at `at_micros` of a clock that never jumps."""
        second = at_micros // _SECOND
        counts = self._seconds.get(second)
        if counts is None:
            counts = self._seconds[second] = [0] * len(_FIELDS)
            for old in [one for one in list(self._seconds) if one <= second - WINDOW_SECONDS]:
                del self._seconds[old]
        counts[0] += 1
        if took_micros > LATENCY_WARNING_MICROS:
            counts[1] += 1
            counts[2] += took_micros > LATENCY_CRITICAL_MICROS
            counts[3] += took_micros > STUCK_MICROS
        counts[4] += is_failed
        if took_micros > counts[5]:
            counts[5] = took_micros

    def counts(self, *, now_micros: int) -> Counts:
        """The half minute before now, and the write that is under way."""
        first = now_micros // _SECOND - WINDOW_SECONDS
        rows = [counts for second, counts in list(self._seconds.items()) if second > first]
        writes, slow, very_slow, stuck, failed = (sum(row[index] for row in rows) for index in range(5))
        slowest = max((row[5] for row in rows), default=0)
        began = self.began_micros
        if began and now_micros - began > STUCK_MICROS:
            stuck, slowest = stuck + 1, max(slowest, now_micros - began)
        return Counts(writes=writes, slow=slow, very_slow=very_slow, stuck=stuck, failed=failed, slowest_micros=slowest)


class MeasuredEnv(OsEnv):
    """The operating system, with a count of what it did with each flush. A full disk is no failure of a write."""

    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]  # a plain function there
        """What makes a flush durable."""
        writes = self._writes
        began = writes.began_micros = self.steady_micros()
        is_failed = True
        try:
            super().fdatasync(fd)
            is_failed = False
        finally:
            now = self.steady_micros()
            writes.began_micros = 0
            writes.add(at_micros=now, took_micros=now - began, is_failed=is_failed)

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:  # type: ignore[override]  # as above
        """Counted only when it fails."""
        try:
            return super().pwrite(fd, content, offset)
        except OSError as error:
            if error.errno not in NO_SPACE:
                self._writes.add(at_micros=self.steady_micros(), took_micros=0, is_failed=True)
            raise
