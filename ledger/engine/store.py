"""The files of one journal: reading them into a state, appending a flush, and going on to the next segment.

Everything here happens under the journal's lock, except where a method says otherwise.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from ledger.engine.codec import TAIL_BYTES, ZERO_DIGEST
from ledger.engine.env import Env
from ledger.engine.errors import Corrupt, DurabilityUnknown, NotWritten
from ledger.engine.event import Event
from ledger.engine.flush import Flush
from ledger.engine.index import Index, Tables
from ledger.engine.layout import Facts, Layout, drop
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.segment import NO_SPACE, OPENED, SEALED, Segment, full_error, prepare_next, put_in_place
from ledger.engine.snapshot import Place
from ledger.engine.times import Clock, micros_of
from ledger.engine.view import View
from ledger.engine.walk import Problem, Walker

Take = Callable[[list[Event]], None]
Finished = Callable[[int], None]


class Store:
    """One journal's files as one process sees them. ``seq`` and ``digest`` are those of the last event taken."""

    def __init__(self, *, env: Env, layout: Layout, facts: Facts, read_only: bool) -> None:
        self.env = env
        self.layout = layout
        self.facts = facts
        self.read_only = read_only
        self.index = Index()
        self.clock = Clock(env)
        self.seq = 0
        self.digest = ZERO_DIGEST
        self.firsts: list[int] = []
        self.active: Segment | None = None
        self.epoch = 0
        self.is_full = False
        self.finished: Finished | None = None
        self._is_indexed: Callable[[int], bool] = lambda first: False
        self.marks = MarkFile(env, layout.durable, read_only=read_only)

    # Reading

    def rewind(self, is_indexed: Callable[[int], bool]) -> None:
        """Back to before the first event. ``is_indexed`` tells which sealed segments need no tables in memory."""
        self.close_active()
        self.seq, self.digest, self.firsts = 0, ZERO_DIGEST, []
        self.clock.last = 0
        self.index.sealing.clear()
        self._is_indexed = is_indexed

    def stand_behind(self, place: Place) -> None:
        """Behind a seal whose state was restored; the segments up to it have their index files."""
        self.seq, self.digest, self.firsts = place.seq, bytes.fromhex(place.hash), place.firsts
        self.clock.last = micros_of(place.time)

    def advance(self, take: Take, *, until: int | None = None) -> Problem | None:
        """Take what follows, over as many segments as there are, whole commits only.

        ``until`` is the last seq to take; without it everything, and the padding is checked too. The answer is where
        it broke off, or None. Nothing on disk changes.
        """
        while True:
            if self.active is None:
                if not self.env.exists(self.layout.segment(self.seq + 1)):
                    return None
                self._enter(self.seq + 1)
            problem = self._read_active(take, until)
            if problem is not None or (until is not None and self.seq >= until):
                return problem
            if self.active is None or not self.active.is_sealed:
                return None
            if not self.env.exists(self.layout.segment(self.seq + 1)):
                return None
            self.leave_active()

    def _read_active(self, take: Take, until: int | None) -> Problem | None:
        segment, tables = self.active, self.index.active
        assert segment is not None
        if segment.is_sealed:
            return None
        walker = Walker(
            env=self.env, fd=segment.fd, segment=segment.first, offset=segment.end, seq=self.seq, digest=self.digest
        )
        events: list[Event] = []
        lengths: list[int] = []
        last = None
        for more_events, more_lengths in walker.walk(segment.size(), until):
            events += more_events
            lengths += more_lengths
            last = events[-1]
            whole = _whole(events)
            if tables is not None:
                tables.add_events(events[:whole], lengths[:whole])
            take(events[:whole])
            del events[:whole], lengths[:whole]
        self._stand_behind(walker, events, last)
        if walker.problem is None and events:
            walker.fail("the rest of a commit", "the end of the records")
        return walker.problem

    def _stand_behind(self, walker: Walker, held: list[Event], last: Event | None) -> None:
        """Move to the last whole commit; ``held`` are the events behind it."""
        assert self.active is not None
        if held:
            self._stand_before(held[0].seq)
        else:
            self.seq, self.digest, self.active.end = walker.seq, walker.digest, walker.offset
        if last is not None:
            self.clock.last = max(self.clock.last, micros_of(last.time))
            self.active.is_sealed = last.type == SEALED and not held

    def _stand_before(self, seq: int) -> None:
        """Behind the event before ``seq``, whose commit is not whole; a commit never begins a segment."""
        assert self.active is not None
        if seq == self.seq + 1:
            return
        self.active.end = self.view().offsets_of(self.active.first)[seq - self.active.first]
        tail = self.env.pread(self.active.fd, TAIL_BYTES + 1, self.active.end - TAIL_BYTES - 1)
        self.seq, self.digest = seq - 1, bytes.fromhex(tail[9:73].decode())

    def _enter(self, first: int) -> None:
        tables = None if self._is_indexed(first) else Tables(self.facts.segment_bytes)
        self.active = Segment(
            self.env,
            self.layout,
            first=first,
            segment_bytes=self.facts.segment_bytes,
            read_only=self.read_only,
            tables=tables,
        )
        self.firsts.append(first)
        self.index.active = tables

    def leave_active(self) -> None:
        """The active segment is sealed: its tables serve on until its files are made (``finished`` is told)."""
        segment, tables = self.active, self.index.active
        assert segment is not None
        if tables is not None:
            self.index.sealing[segment.first] = tables
            self.index.active = None
            if self.finished is not None:
                self.finished(segment.first)
        self.close_active()

    def close_active(self) -> None:
        if self.active is not None:
            self.active.close()
            self.active = None
            self.index.active = None

    def view(self) -> View:
        """Where the events up to now stand, for readers without the lock."""
        tables = dict(self.index.sealing)
        if self.active is not None and self.active.tables is not None:
            tables[self.active.first] = self.active.tables
        return View(self.env, self.layout, seq=self.seq, firsts=self.firsts, tables=tables)

    # Writing

    def new_flush(self) -> Flush:
        """An empty flush behind the last event, at the wall clock's time."""
        return Flush(self.seq, self.digest, self.clock, self.env.wall_micros(), self.index.version_of)

    def append(self, flush: Flush) -> None:
        """Write a flush and make it durable.

        Raises JournalFull or NotWritten (certainly no effect) or DurabilityUnknown (the journal is then poisoned).
        """
        segment, tables = self.active, self.index.active
        assert segment is not None
        assert tables is not None
        content = flush.lines[0] if len(flush.lines) == 1 else b"".join(flush.lines)
        self.reserve(len(content))
        try:
            segment.write(content)
        except OSError as error:
            self._undo(segment, len(content), error)
        try:
            self.env.fdatasync(segment.fd)
        except OSError as error:
            self.poison(f"fdatasync: {error}")
            raise DurabilityUnknown(reason=str(error)) from error
        tables.add(map(len, flush.lines), flush.key_rows, flush.versions)
        segment.end += len(content)
        self.seq, self.digest = flush.seq, flush.digest
        self.write_mark()

    def reserve(self, length: int) -> None:
        """Space is filled before the write, so a full disk is met here, where nothing was written yet.

        Raises JournalFull or NotWritten, DurabilityUnknown if the fsync failed: this file is not written to again.
        """
        segment = self.active
        assert segment is not None
        if segment.end + length <= segment.filled or segment.is_filled(length):
            return
        full = full_error(self.env, self.layout, is_full=self.is_full)
        self.is_full = full is not None
        if full is not None:
            raise full
        try:
            segment.reserve(length)
        except OSError as error:
            self._refuse_space(error)
        try:
            self.env.fsync(segment.fd)
        except OSError as error:
            if error.errno in NO_SPACE:
                self._refuse_space(error)
            self.poison(f"fsync: {error}")
            raise DurabilityUnknown(reason=str(error)) from error

    def _refuse_space(self, error: OSError) -> None:
        if error.errno in NO_SPACE:
            self.is_full = True
            raise (full_error(self.env, self.layout, is_full=True) or NotWritten(reason=str(error))) from error
        raise NotWritten(reason=str(error)) from error

    def _undo(self, segment: Segment, length: int, error: OSError) -> None:
        try:
            segment.erase(segment.end, segment.end + length)
        except OSError as second:
            self.poison(f"write: {error}; undo: {second}")
            raise DurabilityUnknown(reason=str(error)) from second
        raise NotWritten(reason=str(error)) from error

    def write_mark(self) -> None:
        """Say that everything up to here is durable. A failure to say so loses nothing: the mark only may lag."""
        self._write_mark(self._mark())

    def _mark(self) -> Mark:
        segment = self.active
        assert segment is not None
        return Mark(self.seq, segment.first, segment.end, self.digest, self.epoch)

    def _write_mark(self, mark: Mark) -> None:
        try:
            self.marks.write(mark)
        except OSError:
            self.marks.forget()

    def poison(self, reason: str, *, mark: Mark | None = None) -> None:
        """An fsync failed: nobody may write to this file again, in this process or another. ``mark`` is what is durable
        where that is less than what was read."""
        self._write_mark((mark or self._mark())._replace(is_poisoned=True))
        with suppress(OSError):
            fd = self.env.open(self.layout.poisoned, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                self.env.pwrite(fd, reason.encode() + b"\n", 0)
                self.env.fsync(fd)
                self.env.sync_directory(self.layout.path)
            finally:
                self.env.close(fd)

    def needs_next(self) -> bool:
        """Whether the active segment is full, or sealed, or there is none yet."""
        segment = self.active
        return segment is None or segment.is_sealed or segment.end >= self.facts.segment_bytes

    def go_on(self, state_digest: Callable[[], str]) -> list[Event]:
        """Seal the active segment and open the next one; the answer is the engine's own events, durable.

        The space of the next segment is taken first, so that a full disk leaves no sealed segment without a successor.
        """
        segment, events = self.active, []
        is_open = segment is not None and not segment.is_sealed
        first = self.seq + (2 if is_open else 1)
        try:
            temporary = prepare_next(self.env, self.layout, first=first, segment_bytes=self.facts.segment_bytes)
        except OSError as error:
            drop(self.env, self.layout.segment(first).with_suffix(".tmp"))
            self._refuse_space(error)
        if is_open:
            events.append(self._seal(state_digest()))
        flush = self.new_flush()
        values = {"journal": self.facts.journal_id, "previous": self.digest.hex()}
        opened = flush.add_record(OPENED, values)
        try:
            put_in_place(self.env, self.layout, temporary, first=first, line=flush.lines[0])
        except OSError as error:
            self._take_back(first, error)
            raise NotWritten(reason=str(error)) from error
        if segment is not None:
            self.leave_active()
        self._enter(first)
        self._stand_behind_opened(flush)
        self._point_shortcut()
        return [*events, opened]

    def _take_back(self, first: int, error: OSError) -> None:
        """The next segment may have its name already, but not durably: nobody may go on in it."""
        try:
            drop(self.env, self.layout.segment(first))
        except OSError as second:
            if self.active is not None:
                self.poison(f"directory: {error}; undo: {second}")
            raise DurabilityUnknown(reason=str(error)) from second

    def _seal(self, state: str) -> Event:
        segment = self.active
        assert segment is not None
        flush = self.new_flush()
        event = flush.add_record(
            SEALED, {"first": segment.first, "events": flush.seq - segment.first + 1, "state": state}
        )
        self.append(flush)
        segment.is_sealed = True
        return event

    def _stand_behind_opened(self, flush: Flush) -> None:
        assert self.active is not None
        assert self.index.active is not None
        self.active.end = len(flush.lines[0])
        self.index.active.add_events(flush.events, [self.active.end])
        self.seq, self.digest = flush.seq, flush.digest
        self.write_mark()

    def _point_shortcut(self) -> None:
        """``credits.jsonl`` beside the directory leads to the active segment; a convenience, never a reason to fail."""
        assert self.active is not None
        temporary = self.layout.shortcut.with_suffix(".jsonl.tmp")
        try:
            drop(self.env, temporary)
            self.env.symlink(f"{self.layout.path.name}/segments/{self.active.path.name}", temporary)
            self.env.rename(temporary, self.layout.shortcut)
        except OSError:
            return

    def corrupt(self, problem: Problem) -> Corrupt:
        """The error for a problem."""
        return Corrupt(
            segment=self.layout.segment(problem.segment).name,
            line=problem.line,
            offset=problem.offset,
            expected=problem.expected,
            found=problem.found,
        )

    def sync_mark(self) -> None:
        """Make the mark survive a power cut. It may lag, so a failure is no harm."""
        with suppress(OSError):
            self.marks.sync()

    def reattach(self) -> None:
        """Own descriptors in a forked child, in place of those shared with the parent."""
        self.marks.close()
        self.marks = MarkFile(self.env, self.layout.durable, read_only=self.read_only)
        segment = self.active
        if segment is not None:
            self.env.close(segment.fd)
            segment.fd = self.env.open(segment.path, os.O_RDONLY if self.read_only else os.O_RDWR)

    def close(self) -> None:
        self.close_active()
        self.marks.close()


def _whole(events: list[Event]) -> int:
    """How many of the events belong to whole commits."""
    count = len(events)
    while count and (commit := events[count - 1].commit) is not None and commit[0] != commit[1]:
        count -= 1
    return count
