"""What happens under the journal's lock: following other processes, answering commands, folding events into the state.

No thread and no lock is known here; ``journal.py`` holds them around every call.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ledger.engine import limits
from ledger.engine.codec import decode
from ledger.engine.env import Env
from ledger.engine.errors import (
    Conflict,
    Corrupt,
    DurabilityUnknown,
    IdempotencyMismatch,
    LedgerError,
    NotWritten,
    Poisoned,
    ReadOnly,
)
from ledger.engine.event import Event, Receipt, SnapshotState, State
from ledger.engine.flush import Flush
from ledger.engine.group import Request
from ledger.engine.layout import Facts, Layout, read_whole
from ledger.engine.mark import Mark
from ledger.engine.recovery import RECOVERED, is_corrupt, missing_end, replace_poisoned, settle
from ledger.engine.seal import Sealer, manifest_lines
from ledger.engine.segment import SEALED
from ledger.engine.snapshot import restore_newest
from ledger.engine.store import Finished, Store
from ledger.engine.tables import key_hash
from ledger.engine.view import View
from ledger.engine.walk import Problem, shown_text

CLOCK_JUMPED = "clock.jumped"
Flocked = Callable[[Callable[[], None]], None]


class Keeper:
    """The files, the state and what is wrong with them. ``finish_later`` makes a sealed segment's files beside us."""

    def __init__(
        self,
        *,
        env: Env,
        layout: Layout,
        facts: Facts,
        state: State,
        read_only: bool,
        from_snapshot: bool,
        finish_later: Finished,
    ) -> None:
        self._env = env
        self._layout = layout
        self._state = state
        self._read_only = read_only
        self._from_snapshot = from_snapshot
        self._finish_later = finish_later
        self._is_writing = False
        self.store = Store(env=env, layout=layout, facts=facts, read_only=read_only)
        self.sealer = Sealer(env, layout)
        self.problem: LedgerError | None = None
        self.warnings: list[str] = []
        self.is_stale = False

    # Commands

    def flush(self, requests: list[Request]) -> int:
        """Answer requests in one flush, under the flock as well; the answer is how many were taken, at least one."""
        store = self.store
        self._settle_end_of_others()
        store.reserve(limits.RESERVE_BYTES)
        if store.needs_next():
            self._take_all(store.go_on(self._state.digest))
        flush = store.new_flush()
        if moved := store.clock.jump(flush.wall):
            self._take_all([flush.add_record(CLOCK_JUMPED, {"micros": moved})])
        first_size = served = 0
        for request in requests:
            if served and flush.size - first_size > limits.FLUSH_BYTES_MAX - limits.COMMAND_BYTES_MAX:
                break
            self._answer(request, flush)
            served += 1
            first_size = first_size or flush.size
        if flush.events:
            self.is_stale = self._is_writing = True
            store.append(flush)
            self.is_stale = self._is_writing = False
        return served

    def seal(self) -> None:
        """Under the flock as well: seal the active segment and open the next, unless it holds no event yet."""
        self._settle_end_of_others()
        store = self.store
        if store.needs_next() or store.seq > store.firsts[-1]:
            self._take_all(store.go_on(self._state.digest))

    def _answer(self, request: Request, flush: Flush) -> None:
        """Idempotency before expected version, then the rules, then the limits; an error is this request's alone."""
        command = request.command
        try:
            known = flush.keys.get(command.key)
            if known is None:
                key = key_hash(command.key)
                known = self._known(command.key, key)
            if known:
                if known[0].fingerprint != command.fingerprint:
                    raise IdempotencyMismatch(key=command.key, seq=known[0].seq)
                request.receipt = Receipt(events=known, is_repeated=True)
                return
            if command.expected is not None:
                stream, version = command.expected
                current = flush.version_of(stream)
                if current != version:
                    raise Conflict(stream=stream, expected=version, current=current)
            events = flush.add(command, command.decide(), key)
        except Exception as error:  # noqa: BLE001  # whatever decide raises is the caller's answer
            request.error = error
            return
        self.is_stale = True
        apply = self._state.apply
        for event in events:
            apply(event)
        request.receipt = Receipt(events=events, is_repeated=False)

    def _known(self, key: str, first: int) -> tuple[Event, ...]:
        """The stored events of a key with the hash ``first``, empty if it is new."""
        try:
            for seq in self.store.index.seqs_of(first):
                event = self.event_at(seq)
                if event.key == key:
                    count = event.commit[1] if event.commit is not None else 1
                    return (event, *(self.event_at(seq + index) for index in range(1, count)))
        except OSError as error:
            raise NotWritten(reason=str(error)) from error
        return ()

    def fail(self, requests: list[Request], error: BaseException, flocked: Flocked) -> None:
        """Nobody of this flush has an answer that holds; the state may have seen events that are not durable.

        It is read again ``flocked``: others may write since the lock was let go, and their end is not ours to mend.
        """
        if isinstance(error, DurabilityUnknown):
            self.problem = Poisoned(reason=error.params["reason"])
        elif isinstance(error, OSError):
            error = NotWritten(reason=str(error))
        elif not isinstance(error, LedgerError):
            error = (DurabilityUnknown if self._is_writing else NotWritten)(reason=repr(error))
        self._is_writing = False
        for request in requests:
            request.receipt = None
            request.error = error.again() if isinstance(error, LedgerError) else error
        try:
            if self.is_stale:
                flocked(self.reload)
        except Exception as second:  # noqa: BLE001  # a state may raise anything; everybody has an answer already
            self._warn(f"reading the journal again: {second!r}")

    def _warn(self, text: str) -> None:
        """Once: what fails at every attempt must not fill the memory."""
        if text not in self.warnings:
            self.warnings.append(text)

    def event_at(self, seq: int) -> Event:
        """An event by its number, without catching up. Raises UnknownSeq, Corrupt. Needs no lock."""
        view = self.store.view()
        line = view.line_of(seq)
        event = decode(line)
        if event is None or event.seq != seq:
            raise damaged_line(self.store, view, seq, line)
        return event

    def _record(self, kind: str, values: dict[str, Any]) -> None:
        flush = self.store.new_flush()
        flush.add_record(kind, values)
        self.store.append(flush)
        self._take_all(flush.events)

    def _take_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._state.apply(event)

    def _take(self, events: list[Event]) -> None:
        """Events read from the files. A seal tells the state's digest at that point: replay must have reached it."""
        apply = self._state.apply
        for event in events:
            if event[4] == SEALED and event.data.get("state") != self._state.digest():
                warning = "The state differs from what was sealed: its rules changed since, or it is not deterministic."
                self._warn(warning)
            apply(event)

    # Following other processes

    def _settle_end_of_others(self) -> None:
        """Take what others wrote; if the last holder of the lock died in the middle, make the end sound first."""
        store = self.store
        if store.marks.is_new():
            self._follow_mark(store.marks.read())
        segment = store.active
        if segment is not None and (segment.has_more() or segment.is_sealed):
            if self.is_poisoned():  # and whoever knows that could not say so in the mark
                self.problem = Poisoned(reason=self._poison_reason())
            else:
                self._settle(self._advance())
        if self.problem is not None:
            raise self.problem.again()

    def _follow_mark(self, mark: Mark | None) -> None:
        """Another process moved the mark: it wrote, or its fsync failed, or somebody recovered the journal."""
        store = self.store
        if mark is not None and mark.epoch != store.epoch:
            self.reload()
        elif mark is not None and mark.is_poisoned:
            self.problem = Poisoned(reason=self._poison_reason())
        elif mark is not None and (problem := self._advance(until=mark.seq)) is not None:
            self.problem = store.corrupt(problem)
        if self.problem is not None:
            raise self.problem.again()

    def catch_up(self) -> bool:
        """Before a query, without the flock: it stops at the mark, and below the mark nothing changes any more.

        False if everything has to be read again, which needs the flock.
        """
        store = self.store
        if self.is_stale:
            return False
        if not store.marks.is_new():
            return True
        mark = store.marks.read()
        if mark is not None and mark.epoch != store.epoch:
            self.is_stale = True
            return False
        if self.problem is None and mark is not None and (problem := self._advance(until=mark.seq)) is not None:
            self.problem = store.corrupt(problem)
        if self.problem is None and mark is not None and mark.is_poisoned:
            self.problem = Poisoned(reason=self._poison_reason())
        return True

    def _advance(self, *, until: int | None = None) -> Problem | None:
        """Take what others wrote. If the state cannot take an event, it has seen half: everything is read again."""
        if until is not None and until <= self.store.seq:
            return None
        self.is_stale = True
        problem = self.store.advance(self._take, until=until)
        self.is_stale = False
        return problem

    # Reading everything

    def open(self) -> None:
        """Fold everything from the files and, as a writer, make sure there is a segment to write to."""
        self.reload()
        if self.problem is None and not self._read_only and self.store.needs_next():
            self._take_all(self.store.go_on(self._state.digest))

    def reload(self) -> None:
        """Fold everything again. A writer settles the end of the journal; damage makes it read-only."""
        store = self.store
        is_writer = not self._read_only and not isinstance(self.problem, Poisoned) and not self.is_poisoned()
        durable = None if is_writer else self._durable_seq()
        self.is_stale = True
        problem = self._rewind(until=durable)
        self.is_stale = False
        if is_writer:
            self.problem = None
            self._settle(problem)
            return
        if self.is_poisoned() and not isinstance(self.problem, Poisoned):
            self.problem = Poisoned(reason=self._poison_reason())
        if problem is None and store.seq < (durable or 0):
            problem = missing_end(store)
        if problem is not None and is_corrupt(store, problem):
            self.problem = store.corrupt(problem)
        store.marks.forget()  # without the lock it may have moved since it was read

    def _rewind(self, *, until: int | None) -> Problem | None:
        store = self.store
        self._state.reset()
        store.index.files = self.sealer.keys_files()
        listed = {line["first"] for line in manifest_lines(self._env, self._layout)}
        store.rewind(lambda first: first in listed and self.sealer.is_indexed(first, store.index.files))
        mark = store.marks.read()
        store.epoch = mark.epoch if mark is not None else 0
        store.finished = self._finish_now
        if self._from_snapshot and isinstance(self._state, SnapshotState):
            place = restore_newest(self._env, self._layout, self._state, until=until, say=self._warn)
            if place is not None:
                store.stand_behind(place)
        try:
            return None if until == 0 else store.advance(self._take, until=until)
        finally:
            store.finished = self._finish_later

    def _settle(self, problem: Problem | None) -> None:
        try:
            report = settle(self.store, problem)
        except Corrupt as error:
            self.problem = error
            return
        except DurabilityUnknown:
            self.is_stale = True
            raise
        if report is not None:
            self._record(RECOVERED, report)

    def _durable_seq(self) -> int | None:
        mark = self.store.marks.read()
        return mark.seq if mark is not None else None

    def is_poisoned(self) -> bool:
        """Whether some process's fsync failed and nobody recovered the journal since."""
        mark = self.store.marks.read()
        return self._env.exists(self._layout.poisoned) or (mark is not None and mark.is_poisoned)

    def _poison_reason(self) -> str:
        try:
            return read_whole(self._env, self._layout.poisoned).decode(errors="replace").strip()
        except OSError:
            return "an fsync failed"

    def recover(self, *, reason: str, actor: str) -> Event:
        """Replace the poisoned segment, read everything again and record who did it and why."""
        if self._read_only or not self.is_poisoned():
            raise ReadOnly
        report = replace_poisoned(self.store, lambda: self._rewind(until=None), reason=reason, actor=actor)
        self.problem = None
        self.open()
        if self.problem is not None:
            raise self.problem.again()
        self._record(RECOVERED, report)
        return self.event_at(self.store.seq)

    # Sealed segments

    def _finish_now(self, first: int) -> None:
        """While the journal is read from the start: make missing files at once, so that memory stays flat."""
        if not self._read_only and self.make_files(first):
            self.adopt_files()

    def make_files(self, first: int) -> bool:
        """Make the files of a sealed segment; needs no lock. Trouble is a warning: the tables in memory serve on.

        Without tables there is nothing to make: everything was read again meanwhile, and the files made then.
        """
        tables = self.store.index.sealing.get(first)
        if tables is None:
            return False
        try:
            self.sealer.finish(first, tables)
        except (OSError, ValueError) as error:
            self.warnings.append(f"sealing {first}: {error}")
            return False
        return True

    def adopt_files(self) -> None:
        """Once the files of a sealed segment are there, its tables may go.

        If a file of before cannot be read now, all stays as it is: keys that are forgotten would be recorded twice.
        """
        index = self.store.index
        try:
            files = self.sealer.keys_files()
        except OSError as error:
            self._warn(f"finding the keys: {error}")
            return
        if all(any(new.first <= old.first and old.last <= new.last for new in files) for old in index.files):
            index.files = files
            for first in [first for first in index.sealing if self.sealer.is_indexed(first, files)]:
                del index.sealing[first]


def damaged_line(store: Store, view: View, seq: int, line: bytes) -> Corrupt:
    """The error for an event that was verified once and is no longer what it was."""
    first = view.first_of(seq)
    offset = view.span_of(first, seq, seq)[0]
    found = shown_text(line[:48])
    return store.corrupt(Problem(segment=first, seq=seq, offset=offset, expected=f"event {seq}", found=found))
