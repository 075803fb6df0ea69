"""Sealing by age: a segment that was opened a day ago is sealed, however little is in it and though nobody writes.

The engine seals by size; what is sealed can be copied, checksummed and locked away. Whoever signs the checkpoints looks
(`ledger checkpoint --watch`, which `up` keeps going).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ledger.engine.codec import decode
from ledger.engine.env import Env, OsEnv
from ledger.engine.layout import Layout
from ledger.engine.mark import MarkFile
from ledger.engine.times import micros_of

SEGMENT_AGE_MAX_MICROS = 24 * 3_600_000_000
LOOK_MICROS = 600_000_000
_FIRST_RECORD_BYTES_MAX = 4096


class SealingByAge:
    """Looks after one journal every ten minutes at most; `seal` is what seals it. Used by one thread."""

    def __init__(self, layout: Layout, *, seal: Callable[[], object], env: Env | None = None) -> None:
        self._layout = layout
        self._seal = seal
        self._env = env or OsEnv()
        self._due_micros = 0

    def look(self) -> bool:
        """Seal what is a day old; whether it was. Raises what `seal` raises, OSError: the next look tries again."""
        now = self._env.steady_micros()
        if now < self._due_micros:
            return False
        self._due_micros = now + LOOK_MICROS
        if not is_a_day_old(self._layout, env=self._env):
            return False
        self._seal()
        return True


def is_a_day_old(layout: Layout, *, env: Env) -> bool:
    """Whether the active segment holds an event and was opened a day ago. Reads its first record, without a lock.

    No where nothing proves which segment that is, or the record is damaged: that is for the doctor. Raises OSError.
    """
    marks = MarkFile(env, layout.durable, read_only=True)
    mark = marks.read()
    marks.close()
    if mark is None or mark.seq == mark.segment:
        return False
    file = env.open(layout.segment(mark.segment), os.O_RDONLY)
    try:
        opened = decode(env.pread(file, _FIRST_RECORD_BYTES_MAX, 0).partition(b"\n")[0])
    finally:
        env.close(file)
    return opened is not None and env.wall_micros() - micros_of(opened.time) >= SEGMENT_AGE_MAX_MICROS
