"""The journal as its users see it: execute commands, query the state, read events. Thread-safe.

Several processes, and several Journal objects of one process, may have one directory open. One lock: a thread lock in
front of a flock, held through the fsync. So whoever holds it finds a file that is durable to its end, or else the last
holder died; that sentence is the whole recovery argument between processes.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from ledger.engine import limits
from ledger.engine.codec import decode
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import (
    Closed,
    Conflict,
    Corrupt,
    DurabilityUnknown,
    IdempotencyMismatch,
    LedgerError,
    NestedUse,
    NotAJournal,
    NotWritten,
    Poisoned,
    ReadOnly,
)
from ledger.engine.event import Command, Event, Head, Receipt, State
from ledger.engine.flush import Flush, check_command
from ledger.engine.group import Group, Request
from ledger.engine.index import Tables
from ledger.engine.layout import Facts, Layout, check_file_system, create_facts, read_facts, read_whole
from ledger.engine.mark import Mark
from ledger.engine.query import Filter, read_events
from ledger.engine.recovery import RECOVERED, is_corrupt, missing_end, replace_poisoned, settle
from ledger.engine.seal import Sealer
from ledger.engine.segment import SEALED
from ledger.engine.store import Store
from ledger.engine.walk import Problem, shown_text

T = TypeVar("T")
CLOCK_JUMPED = "clock.jumped"


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalStatus:
    """How a journal is: ``state``, why it is not normal, its size on disk, and what somebody should look at."""

    state: Literal["normal", "read_only", "poisoned"]
    reason: str
    journal_id: str
    segments: int
    segment_bytes: int
    active_bytes: int
    head: Head
    warnings: tuple[str, ...]


class Journal:
    """One open journal. Make one with ``Journal.open``."""

    def __init__(self, *, path: Path, state: State, env: Env, segment_bytes: int, read_only: bool) -> None:
        self._env = env
        self._layout = Layout(path)
        self._state = state
        self._segment_bytes = segment_bytes
        self._read_only = read_only
        self._mutex = threading.Lock()
        self._holder = 0
        self._group = Group(self._serve)
        self._sealer = Sealer(env, self._layout)
        self._sealing: list[Callable[[], None]] = []
        self._warnings: list[str] = []
        self._problem: LedgerError | None = None
        self._is_stale = False
        self._is_writing = False
        self._is_closed = False
        self._lock_fd = -1
        self._store: Store

    @classmethod
    def open(
        cls,
        *,
        path: Path,
        state: State,
        env: Env | None = None,
        segment_bytes: int = limits.SEGMENT_BYTES,
        read_only: bool = False,
    ) -> "Journal":
        """Open the journal in directory ``path``, creating it unless ``read_only``, and fold it into ``state``.

        ``segment_bytes`` counts only when the journal is created. A damaged journal opens read-only on its verified
        prefix (see ``status``). Raises NotAJournal, UnsupportedFileSystem, OSError.
        """
        journal = cls(
            path=path.absolute(), state=state, env=env or OsEnv(), segment_bytes=segment_bytes, read_only=read_only
        )
        journal._open()
        return journal

    # Commands

    def execute(self, command: Command) -> Receipt:
        """Record what ``command`` decides, durably, or answer what was recorded for its key before.

        Raises Conflict, IdempotencyMismatch, a LimitExceeded, what ``decide`` raises (Rejected), JournalFull or
        NotWritten (certainly no effect), DurabilityUnknown (retry with the same key), Poisoned, Corrupt, ReadOnly.
        """
        if self._read_only:
            raise ReadOnly
        if self._holder == threading.get_ident():
            raise NestedUse
        check_command(command)
        return self._group.submit(command)

    def _serve(self, requests: list[Request]) -> int:
        """Answer requests in one flush; returns how many, at least one. Never raises: errors are answers."""
        served = len(requests)
        with self._mutex:
            self._holder = threading.get_ident()
            try:
                self._prepare()
                self._env.lock(self._lock_fd)
                try:
                    served = self._flush(requests)
                finally:
                    self._env.unlock(self._lock_fd)
            except BaseException as error:
                self._fail(requests, error)
                if not isinstance(error, Exception):
                    raise
            finally:
                self._holder = 0
        return served

    def _fail(self, requests: list[Request], error: BaseException) -> None:
        """Nobody of this flush has an answer that holds; the state may have seen events that are not durable."""
        if isinstance(error, DurabilityUnknown):
            self._problem = Poisoned(reason=error.params["reason"])
        elif isinstance(error, OSError):
            error = NotWritten(reason=str(error))
        elif not isinstance(error, LedgerError):
            error = (DurabilityUnknown if self._is_writing else NotWritten)(reason=repr(error))
        self._is_writing = False
        for request in requests:
            request.receipt, request.error = None, error
        try:
            if self._is_stale:
                self._reload()
        except (OSError, LedgerError) as second:
            self._warnings.append(f"reading the journal again: {second}")

    def _flush(self, requests: list[Request]) -> int:
        store = self._store
        self._settle_locked()
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
            self._is_stale = self._is_writing = True
            store.append(flush)
            self._is_stale = self._is_writing = False
        return served

    def _answer(self, request: Request, flush: Flush) -> None:
        """Idempotency before expected version, then the rules, then the limits; an error is this request's alone."""
        command = request.command
        try:
            known = flush.keys.get(command.key) or self._known(command.key)
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
            events = flush.add(command, command.decide())
        except Exception as error:  # noqa: BLE001  # whatever decide raises is the caller's answer
            request.error = error
            return
        self._is_stale = True
        for event in events:
            self._state.apply(event)
        request.receipt = Receipt(events=events, is_repeated=False)

    def _known(self, key: str) -> tuple[Event, ...]:
        """The stored events of a key, empty if it is new."""
        for seq in self._store.index.seqs_of(key):
            event = self.get_locked(seq)
            if event.key == key:
                count = event.commit[1] if event.commit is not None else 1
                return (event, *(self.get_locked(seq + index) for index in range(1, count)))
        return ()

    def _record(self, kind: str, values: dict[str, object]) -> None:
        flush = self._store.new_flush()
        flush.add_record(kind, values)
        self._store.append(flush)
        self._take_all(flush.events)

    def _take_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._state.apply(event)

    def _take(self, event: Event) -> None:
        """An event read from the files. A seal tells the state's digest at that point: replay must have reached it."""
        if event.type == SEALED and event.data.get("state") != self._state.digest():
            warning = "The state differs from what was sealed: its rules changed since, or it is not deterministic."
            if warning not in self._warnings:
                self._warnings.append(warning)
        self._state.apply(event)

    # Queries

    def query(self, read: Callable[[], T]) -> T:
        """Run ``read`` on the state under the lock, after taking what other processes made durable."""
        if self._holder == threading.get_ident():
            raise NestedUse
        with self._mutex:
            self._holder = threading.get_ident()
            try:
                self._catch_up()
                return read()
            finally:
                self._holder = 0

    @property
    def head(self) -> Head:
        """The last durable event."""
        return self.query(lambda: Head(self._store.seq, self._store.digest.hex()))

    def stream_version(self, stream: str) -> int:
        """The last version of a stream, 0 if it has no event."""
        return self.query(lambda: self._store.index.version_of(stream))

    def get(self, *, seq: int) -> Event:
        """One event. Raises UnknownSeq, Corrupt if its bytes are damaged."""
        if seq > self._store.seq:
            self.query(lambda: None)
        return self.get_locked(seq)

    def get_locked(self, seq: int) -> Event:
        """As ``get``, without catching up first."""
        line = self._store.line_of(seq)
        event = decode(line)
        if event is None or event.seq != seq:
            first = self._store.first_of(seq)
            offset = self._store.span_of(first, seq, seq)[0]
            found = shown_text(line[:48])
            raise self._store.corrupt(
                Problem(segment=first, seq=seq, offset=offset, expected=f"event {seq}", found=found)
            )
        return event

    def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        stream: str | None = None,
        types: Sequence[str] | None = None,
        actor: str | None = None,
        correlation: str | None = None,
        since: str | None = None,
        before: str | None = None,
        key: str | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Iterator[Event]:
        """Durable events with seq > ``after`` and <= ``until`` that match, in constant memory, without the lock.

        ``types`` are exact names or prefixes such as ``credit.*``; ``since`` (inclusive) and ``before`` (exclusive)
        are times as they stand in the records. What is recorded after the call is not in the answer.
        """
        wanted = Filter(
            stream=stream, types=types, actor=actor, correlation=correlation, since=since, before=before, key=key
        )
        head = self.head.seq
        last = head if until is None else min(until, head)
        return read_events(
            self._store, wanted, first=max(after, 0) + 1, last=last, limit=limit, is_descending=descending
        )

    @property
    def status(self) -> JournalStatus:
        """The state of the journal, without catching up."""
        with self._mutex:
            store, problem = self._store, self._problem
            state: Literal["normal", "read_only", "poisoned"] = "normal"
            if isinstance(problem, Poisoned):
                state = "poisoned"
            elif problem is not None or self._read_only:
                state = "read_only"
            return JournalStatus(
                state=state,
                reason=str(problem) if problem is not None else "",
                journal_id=store.facts.journal_id,
                segments=len(store.firsts),
                segment_bytes=store.facts.segment_bytes,
                active_bytes=store.active.end if store.active is not None else 0,
                head=Head(store.seq, store.digest.hex()),
                warnings=tuple(self._warnings),
            )

    # Opening, catching up, closing

    def _open(self) -> None:
        env, layout = self._env, self._layout
        if not self._read_only:
            env.mkdir(layout.segments)
        elif not env.exists(layout.facts):
            raise NotAJournal(path=layout.path, reason="journal.json is missing")
        warning = check_file_system(env, layout.path)
        self._warnings += [warning] if warning else []
        self._attach_lock()
        env.lock(self._lock_fd)
        try:
            facts = self._facts()
        finally:
            env.unlock(self._lock_fd)
        self._store = Store(env=env, layout=layout, facts=facts, read_only=self._read_only)
        self._store.finished = self._finish_now
        with self._mutex:
            self._holder = threading.get_ident()
            try:
                self._reload_locked()
            finally:
                self._holder = 0
        env.watch_fork(self)

    def _attach_lock(self) -> None:
        mode = os.O_RDONLY if self._read_only else os.O_RDWR | os.O_CREAT
        self._lock_fd = self._env.open(self._layout.lock, mode)

    def _facts(self) -> Facts:
        if self._read_only or self._env.exists(self._layout.facts):
            return read_facts(self._env, self._layout)
        return create_facts(self._env, self._layout, self._segment_bytes)

    def _reload_locked(self) -> None:
        if self._read_only:
            self._reload()
            return
        self._env.lock(self._lock_fd)
        try:
            self._reload()
            if self._problem is None and self._store.needs_next():
                self._take_all(self._store.go_on(self._state.digest))
        finally:
            self._env.unlock(self._lock_fd)

    def _reload(self) -> None:
        """Fold everything again from the files. A writer settles the end of the journal; damage makes it read-only."""
        store = self._store
        was_writing = not self._read_only and not isinstance(self._problem, Poisoned) and not self._is_poisoned()
        store.finished = self._finish_now
        problem = self._rewind(until=None if was_writing else self._durable_seq())
        self._is_stale = False
        store.finished = self._finish_later
        try:
            if was_writing:
                self._problem = None
                report = settle(store, problem)
                if report is not None:
                    self._record(RECOVERED, report)
            else:
                self._judge_reading(problem)
        except Corrupt as error:
            self._problem = error

    def _rewind(self, *, until: int | None) -> Problem | None:
        store = self._store
        self._state.reset()
        store.index.files = self._sealer.keys_files()
        store.rewind(lambda first: self._sealer.is_indexed(first, store.index.files))
        mark = store.marks.read()
        store.epoch = mark.epoch if mark is not None else 0
        return None if until == 0 else store.advance(self._take, until=until)

    def _judge_reading(self, problem: Problem | None) -> None:
        """Without writing: events beyond the mark are not shown, a tear there is nobody's business yet."""
        if self._is_poisoned() and not isinstance(self._problem, Poisoned):
            self._problem = Poisoned(reason=self._poison_reason())
        problem = problem or missing_end(self._store) if self._durable_seq() else problem
        if problem is not None and is_corrupt(self._store, problem):
            self._problem = self._store.corrupt(problem)

    def _durable_seq(self) -> int | None:
        mark = self._store.marks.read()
        return mark.seq if mark is not None else None

    def _is_poisoned(self) -> bool:
        mark = self._store.marks.read()
        return self._env.exists(self._layout.poisoned) or (mark is not None and mark.is_poisoned)

    def _poison_reason(self) -> str:
        if not self._env.exists(self._layout.poisoned):
            return "an fsync failed"
        return read_whole(self._env, self._layout.poisoned).decode(errors="replace").strip()

    def _prepare(self) -> None:
        """Before a flush: refuse if nothing may be written. A poisoned journal may have been recovered meanwhile."""
        if self._is_closed:
            raise Closed
        if isinstance(self._problem, Poisoned) and not self._is_poisoned():
            self._problem = None
            self._reload_locked()
        if self._problem is not None:
            raise self._problem
        if self._is_stale:
            self._reload_locked()

    def _settle_locked(self) -> None:
        """Take what others wrote; if the last holder died in the middle, make the end sound first."""
        store = self._store
        if store.is_mark_new():
            self._follow_mark(store.marks.read())
        segment = store.active
        if segment is not None and (segment.has_more() or segment.is_sealed):
            self._settle_end(store.advance(self._take))
        if self._problem is not None:
            raise self._problem

    def _follow_mark(self, mark: Mark | None) -> None:
        """Another process moved the mark: it wrote, or its fsync failed, or somebody recovered the journal."""
        store = self._store
        if mark is not None and mark.epoch != store.epoch:
            self._reload()
        elif mark is not None and mark.is_poisoned:
            self._problem = Poisoned(reason=self._poison_reason())
        elif (problem := store.catch_up(self._take)) is not None:
            self._problem = store.corrupt(problem)
        if self._problem is not None:
            raise self._problem

    def _settle_end(self, problem: Problem | None) -> None:
        try:
            report = settle(self._store, problem)
        except Corrupt as error:
            self._problem = error
            return
        if report is not None:
            self._record(RECOVERED, report)

    def _catch_up(self) -> None:
        """Before a query. Needs no flock: it stops at the mark, and what is below the mark no longer changes."""
        if self._is_closed:
            raise Closed
        store = self._store
        if not self._is_stale and not store.is_mark_new():
            return
        mark = store.marks.read()
        if self._is_stale or (mark is not None and mark.epoch != store.epoch):
            self._problem = None if isinstance(self._problem, Poisoned) else self._problem
            self._reload_locked()
        elif self._problem is None and (problem := store.catch_up(self._take)) is not None:
            self._problem = store.corrupt(problem)

    def _finish_now(self, first: int, end: int, tables: Tables) -> None:
        """While the journal is read from the start: make missing files at once, so that memory stays flat."""
        if self._read_only:
            return
        try:
            self._sealer.finish(first, end, tables)
        except (OSError, ValueError) as error:
            self._warnings.append(f"sealing {first}: {error}")
            return
        self._adopt(first)

    def _finish_later(self, first: int, end: int, tables: Tables) -> None:
        """In normal work: beside the lock, the tables serve until the files are there."""
        if self._read_only:
            return

        def work() -> None:
            try:
                self._sealer.finish(first, end, tables)
            except (OSError, ValueError) as error:
                self._warnings.append(f"sealing {first}: {error}")
                return
            with self._mutex:
                self._adopt(first)
            self._env.release_memory()

        self._sealing = [*self._sealing[-4:], self._env.background(work)]

    def _adopt(self, first: int) -> None:
        self._store.index.files = self._sealer.keys_files()
        self._store.index.sealing.pop(first, None)

    def settle_sealing(self) -> None:
        """Wait until the files of sealed segments are made."""
        for wait in self._sealing:
            wait()

    def recover(self, *, reason: str, actor: str) -> Event:
        """Leave the poisoned state: the verified records go to fresh blocks, the old file to quarantine.

        An engineer's act, recorded as ``journal.recovered`` with ``reason`` and ``actor``. Raises ReadOnly if the
        journal is not poisoned, Corrupt if its durable part is damaged.
        """
        with self._mutex:
            self._env.lock(self._lock_fd)
            try:
                if self._read_only or not self._is_poisoned():
                    raise ReadOnly
                rewind = lambda: self._rewind(until=None)  # noqa: E731
                report = replace_poisoned(self._store, rewind=rewind, reason=reason, actor=actor)
                self._problem = None
                self._reload()
                if self._problem is not None:
                    raise self._problem
                if self._store.needs_next():
                    self._take_all(self._store.go_on(self._state.digest))
                self._record(RECOVERED, report)
                return self.get_locked(self._store.seq)
            finally:
                self._env.unlock(self._lock_fd)

    def after_fork(self) -> None:
        """In a forked child: own descriptors and locks. A flush that ran at the fork is not ours: read again."""
        was_busy = self._mutex.locked()
        self._mutex = threading.Lock()
        self._holder = 0
        self._group = Group(self._serve)
        self._sealing = []
        if self._is_closed:
            return
        self._env.close(self._lock_fd)
        self._attach_lock()
        self._store.reattach()
        self._is_stale = was_busy or bool(self._store.index.sealing)

    def close(self) -> None:
        """Wait for sealing, make the mark durable, give the descriptors back. Closing twice is fine."""
        self.settle_sealing()
        with self._mutex:
            if self._is_closed:
                return
            self._is_closed = True
            if not self._read_only:
                self._store.sync_mark()
            self._store.close()
            self._env.close(self._lock_fd)
