"""Signing the head of a journal when it is time: every 10,000 events or every minute, beside whoever writes.

What lies before the durable mark never changes again, so neither a lock nor the writers are needed. Before anything is
signed, every record since the last checkpoint is read and found to follow from it: a history that was written anew is
never signed, but reported.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from ledger.engine.codec import ZERO_DIGEST
from ledger.engine.env import Env, OsEnv
from ledger.engine.layout import Layout, read_facts
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.times import micros_of, text_of
from ledger.engine.walk import Walker
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints, claimed_checkpoint, signed
from ledger.proof.errors import HistoryBroken, HistoryChanged, HistoryCut, NothingRecorded
from ledger.proof.notes import Signer
from ledger.proof.verification import named_previous

EVENTS_BETWEEN = 10_000
MICROS_BETWEEN = 60_000_000


class Taken(NamedTuple):
    """A checkpoint with its signed note."""

    checkpoint: Checkpoint
    note: bytes


class _Place(NamedTuple):
    """Behind event ``seq`` with the raw hash ``digest``, at ``offset`` of the segment that begins with ``segment``."""

    segment: int
    offset: int
    seq: int
    digest: bytes


_BEGIN = _Place(1, 0, 0, ZERO_DIGEST)


class CheckpointTaker:
    """Takes the checkpoints of one journal. It remembers how far it has read, and is used by one thread."""

    def __init__(self, *, layout: Layout, signer: Callable[[], Signer], env: Env | None = None) -> None:
        """``signer`` is asked at every checkpoint, since keys are rotated."""
        self._layout = layout
        self._signer = signer
        self._env = env or OsEnv()
        self._kept = KeptCheckpoints(layout.path, self._env)
        self._place: _Place | None = None
        self._epoch = -1

    def take_if_due(self) -> Taken | None:
        """A checkpoint if 10,000 events or a minute passed since the last one and there is something new.

        Raises what ``take`` raises, but a journal without events is simply not due.
        """
        mark = self._mark()
        if mark is None:
            return None
        newest = self._newest()
        if newest is not None and newest.size == mark.seq and newest.root == mark.digest.hex():
            return None
        is_due = newest is None or not 0 <= mark.seq - newest.size < EVENTS_BETWEEN
        if newest is not None and not is_due and self._env.wall_micros() - micros_of(newest.at) < MICROS_BETWEEN:
            return None
        return self.take()

    def take(self) -> Taken:
        """Read on to the durable mark, sign what is there, and keep it.

        Raises NothingRecorded, HistoryCut, HistoryChanged, HistoryBroken, what the signer raises, OSError.
        """
        facts = read_facts(self._env, self._layout)
        mark = self._mark()
        if mark is None:
            raise NothingRecorded(path=self._layout.path)
        newest = self._newest()
        if newest is not None and newest.journal_id != facts.journal_id:
            newest = None
        if mark.epoch != self._epoch or self._place is None or self._place.seq > mark.seq:
            self._place, self._epoch = self._place_of(newest, mark), mark.epoch
        self._place = self._read_on(self._place, mark.seq)
        if self._place.digest != mark.digest:
            raise HistoryChanged(size=mark.seq, at=text_of(self._env.wall_micros()), after=newest.size if newest else 0)
        checkpoint = Checkpoint(
            journal_id=facts.journal_id,
            size=mark.seq,
            root=mark.digest.hex(),
            at=text_of(self._env.wall_micros()),
        )
        note = signed(checkpoint, signer=self._signer())
        self._kept.keep(checkpoint, note)
        return Taken(checkpoint, note)

    def _mark(self) -> Mark | None:
        marks = MarkFile(self._env, self._layout.durable, read_only=True)
        try:
            return marks.read()
        finally:
            marks.close()

    def _newest(self) -> Checkpoint | None:
        note = self._kept.newest()
        return claimed_checkpoint(note) if note is not None else None

    def _place_of(self, newest: Checkpoint | None, mark: Mark) -> _Place:
        """Where the last checkpoint stands; the beginning if there is none."""
        if newest is None:
            return _BEGIN
        if newest.size > mark.seq:
            raise HistoryCut(last=mark.seq, at=newest.at, size=newest.size)
        names = [name.removesuffix(".jsonl") for name in self._env.names(self._layout.segments)]
        first = max(int(name) for name in names if name.isdigit() and int(name) <= newest.size)
        place = self._read_on(_Place(first, 0, first - 1, self._previous_of(first)), newest.size)
        if place.digest.hex() != newest.root:
            raise HistoryChanged(size=newest.size, at=newest.at, after=0)
        return place

    def _previous_of(self, first: int) -> bytes:
        fd = self._env.open(self._layout.segment(first), os.O_RDONLY)
        try:
            return ZERO_DIGEST if first == 1 else named_previous(self._env, fd)
        finally:
            self._env.close(fd)

    def _read_on(self, place: _Place, until: int) -> _Place:
        """Verify the records up to event ``until``, over as many segments as there are."""
        env = self._env
        while place.seq < until:
            segment, offset, seq, digest = place
            fd = env.open(self._layout.segment(segment), os.O_RDONLY)
            try:
                walker = Walker(env=env, fd=fd, segment=segment, offset=offset, seq=seq, digest=digest)
                for _ in walker.walk(env.size(fd), until):
                    pass
            finally:
                env.close(fd)
            has_next = env.exists(self._layout.segment(walker.seq + 1)) and walker.seq < until
            if walker.problem is not None or (walker.seq < until and not has_next):
                line = walker.seq - segment + 2
                raise HistoryBroken(segment=self._layout.segment(segment).name, line=line)
            place = _Place(segment, walker.offset, walker.seq, walker.digest)
            if has_next:
                place = _Place(walker.seq + 1, 0, walker.seq, walker.digest)
        return place
