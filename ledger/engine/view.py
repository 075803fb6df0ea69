"""Where the events stand that were durable at one moment: found without the journal's lock, whatever comes after it."""

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from ledger.engine.env import Env
from ledger.engine.errors import UnknownSeq
from ledger.engine.index import Offsets, Tables
from ledger.engine.layout import Layout

Places = Offsets | memoryview


class View:
    """The events up to ``seq``. To be made under the lock: even while the journal is read again from its start, and
    its own tables grow anew, ``firsts`` and ``tables`` stay what they were or only gain later events."""

    __slots__ = ("_firsts", "_tables", "env", "layout", "seq")

    def __init__(
        self, env: Env, layout: Layout, *, seq: int, firsts: Sequence[int], tables: Mapping[int, Tables]
    ) -> None:
        self.env = env
        self.layout = layout
        self.seq = seq
        self._firsts = firsts
        self._tables = tables

    def line_of(self, seq: int) -> bytes:
        """The line of an event, without newline."""
        if not 0 < seq <= self.seq:
            raise UnknownSeq(seq=seq, head=self.seq)
        first = self.first_of(seq)
        start, end = self.span_of(first, seq, seq)
        fd = self.env.open(self.layout.segment(first), os.O_RDONLY)
        try:
            return self.env.pread(fd, end - start - 1, start)
        finally:
            self.env.close(fd)

    def first_of(self, seq: int) -> int:
        """The first event of the segment that holds event ``seq``."""
        return self._firsts[bisect_right(self._firsts, seq) - 1]

    def last_of(self, seq: int) -> int:
        """The last event of that segment, as far as there are any."""
        following = bisect_right(self._firsts, seq)
        return min(self.seq, self._firsts[following] - 1) if following < len(self._firsts) else self.seq

    def offsets_of(self, first: int) -> Places:
        """Where the events of a segment begin."""
        tables = self._tables.get(first)
        return tables.offsets if tables is not None else Offsets(self.env, self.layout.offsets(first), first=first)

    def span_of(self, first: int, low: int, high: int) -> tuple[int, int]:
        """The bytes of events ``low`` to ``high`` of one segment."""
        offsets = self.offsets_of(first)
        return offsets[low - first], offsets[high + 1 - first]
