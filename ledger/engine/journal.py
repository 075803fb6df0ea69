"""The journal as its users see it: execute commands, query the state, read events. Thread-safe.

Several processes, and several Journal objects of one process, may have one directory open. One lock: a thread lock in
front of a flock, held through the fsync. So whoever holds it finds a file that is durable to its end, or else the last
holder died; that sentence is the whole recovery argument between processes.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from ledger.engine import limits
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import Closed, LedgerError, NestedUse, Poisoned, ReadOnly
from ledger.engine.event import Command, Event, Head, Receipt, State
from ledger.engine.flush import check_command
from ledger.engine.group import Group, Request
from ledger.engine.keeper import Keeper
from ledger.engine.layout import Facts, Layout, check_file_system, create_facts, read_facts
from ledger.engine.query import Filter, read_events

T = TypeVar("T")
_NO_FILE = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalStatus:
    """How a journal is: ``state``, why it is not normal, its size on disk, and what somebody should look at.

    ``is_full``: this process met a full disk, and fills nothing more before RESUME_PERCENT of limits.
    """

    state: Literal["normal", "read_only", "poisoned"]
    reason: str
    journal_id: str
    segments: int
    segment_bytes: int
    active_bytes: int
    head: Head
    warnings: tuple[str, ...]
    is_full: bool


class Journal:
    """One open journal. Make one with ``Journal.open``."""

    def __init__(
        self,
        *,
        path: Path,
        state: State,
        env: Env,
        segment_bytes: int,
        read_only: bool,
        from_snapshot: bool,
        sealed: Callable[[], None] | None,
    ) -> None:
        self._env = env
        self._layout = Layout(path)
        self._read_only = read_only
        self._sealed = sealed
        self._mutex = env.mutex()
        self._holder: int | None = None
        self._group = Group(env, self._serve)
        self._sealing: list[Callable[[], None]] = []
        self._is_closed = False
        if not read_only:
            env.mkdir(self._layout.segments)
        warning = check_file_system(env, path)
        self._lock_fd = self._open_lock()
        with ExitStack() as opened:
            opened.callback(self._close_lock)
            facts = self._facts(segment_bytes)
            self._keeper = Keeper(
                env=env,
                layout=self._layout,
                facts=facts,
                state=state,
                read_only=read_only,
                from_snapshot=from_snapshot,
                finish_later=self._finish_later,
            )
            opened.callback(self._keeper.store.close)
            self._keeper.warnings += [warning] if warning else []
            self._flocked(self._keeper.open)
            opened.pop_all()
        env.watch_fork(self)

    @classmethod
    def open(
        cls,
        *,
        path: Path,
        state: State,
        env: Env | None = None,
        segment_bytes: int = limits.SEGMENT_BYTES,
        read_only: bool = False,
        from_snapshot: bool = True,
        sealed: Callable[[], None] | None = None,
    ) -> "Journal":
        """Open the journal in directory ``path``, creating it unless ``read_only``, and fold it into ``state``.

        ``segment_bytes`` counts only when the journal is created. A damaged journal opens read-only on its verified
        prefix (see ``status``). ``from_snapshot``: begin with the newest valid snapshot, if the state is a
        SnapshotState. ``sealed`` is called beside the lock whenever the files of a sealed segment are made.
        Raises NotAJournal, UnsupportedFileSystem, JournalFull, NotWritten, OSError.
        """
        return cls(
            path=path.absolute(),
            state=state,
            env=env or OsEnv(),
            segment_bytes=segment_bytes,
            read_only=read_only,
            from_snapshot=from_snapshot,
            sealed=sealed,
        )

    def _open_lock(self) -> int:
        """A reader takes no lock, so it needs no file to lock either."""
        return _NO_FILE if self._read_only else self._env.open(self._layout.lock, os.O_RDWR | os.O_CREAT)

    def _close_lock(self) -> None:
        if self._lock_fd != _NO_FILE:
            self._env.close(self._lock_fd)

    def _facts(self, segment_bytes: int) -> Facts:
        if self._read_only:
            return read_facts(self._env, self._layout)
        self._env.lock(self._lock_fd)
        try:
            if self._env.exists(self._layout.facts):
                return read_facts(self._env, self._layout)
            return create_facts(self._env, self._layout, segment_bytes)
        finally:
            self._env.unlock(self._lock_fd)

    # Locks

    def _flocked(self, work: Callable[[], T]) -> T:
        """Among processes, held through the fsync. Readers never wait for it."""
        if self._read_only:
            return work()
        self._env.lock(self._lock_fd)
        try:
            return work()
        finally:
            self._env.unlock(self._lock_fd)

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
        """Answer requests in one flush; returns how many, at least one. Errors are answers, nothing is raised."""
        keeper = self._keeper
        with self._mutex:
            self._holder = threading.get_ident()
            try:
                if self._is_closed or keeper.is_stale or keeper.problem is not None:
                    self._require_writable()
                self._env.lock(self._lock_fd)
                try:
                    self._group.gather(requests)
                    return keeper.flush(requests)
                finally:
                    self._env.unlock(self._lock_fd)
            except BaseException as error:
                keeper.fail(requests, error, self._flocked)
                if not isinstance(error, Exception):
                    raise
            finally:
                self._holder = None
        return len(requests)

    def _require_writable(self) -> None:
        """Refuse if nothing may be written. A poisoned journal may have been recovered by somebody meanwhile."""
        keeper = self._keeper
        self._require_open()
        if isinstance(keeper.problem, Poisoned) and not keeper.is_poisoned():
            keeper.problem, keeper.is_stale = None, True
        if keeper.problem is not None:
            raise keeper.problem.again()
        if keeper.is_stale:
            self._flocked(keeper.open)

    # Queries

    def query(self, read: Callable[[], T]) -> T:
        """Run ``read`` on the state under the lock, after taking what other processes made durable."""
        if self._holder == threading.get_ident():
            raise NestedUse
        with self._mutex:
            self._require_open()
            self._holder = threading.get_ident()
            try:
                if not self._keeper.catch_up():
                    self._read_again()
                return read()
            finally:
                self._holder = None

    def _read_again(self) -> None:
        self._keeper.problem = None
        self._flocked(self._keeper.open)

    def _require_open(self) -> None:
        if self._is_closed:
            raise Closed

    @property
    def head(self) -> Head:
        """The last durable event."""
        return self.query(self._head)

    def _head(self) -> Head:
        store = self._keeper.store
        return Head(store.seq, store.digest.hex())

    def stream_version(self, stream: str) -> int:
        """The last version of a stream, 0 if it has no event."""
        return self.query(lambda: self._keeper.store.index.version_of(stream))

    def get(self, *, seq: int) -> Event:
        """One event. Raises UnknownSeq, Corrupt if its bytes are damaged."""
        if seq <= self._keeper.store.seq:
            with suppress(LedgerError, LookupError, OSError):  # without the lock it may just be read again
                return self._keeper.event_at(seq)
        return self.query(lambda: self._keeper.event_at(seq))

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
        mentions: str | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Iterator[Event]:
        """Durable events with seq > ``after`` and <= ``until`` that match, in constant memory, without the lock.

        ``types`` are exact names or prefixes such as ``credit.*``; ``since`` (inclusive) and ``before`` (exclusive)
        are times as they stand in the records, ``mentions`` is a whole text value anywhere in the record. What is
        recorded after the call is not in the answer.
        """
        wanted = Filter(
            stream=stream,
            types=types,
            actor=actor,
            correlation=correlation,
            since=since,
            before=before,
            key=key,
            mentions=mentions,
        )
        store = self._keeper.store
        view = self.query(store.view)
        last = view.seq if until is None else min(until, view.seq)
        return read_events(
            store, view, wanted, first=max(after, 0) + 1, last=last, limit=limit, is_descending=descending
        )

    @property
    def status(self) -> JournalStatus:
        """The state of the journal, without catching up."""
        with self._mutex:
            store, problem = self._keeper.store, self._keeper.problem
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
                head=self._head(),
                warnings=tuple(self._keeper.warnings),
                is_full=store.is_full,
            )

    # Sealing, recovering, forking, closing

    def _finish_later(self, first: int) -> None:
        """Beside the lock: the tables in memory serve until the files of the sealed segment are there."""
        if self._read_only:
            self._keeper.adopt_files()
            return

        def work() -> None:
            if not self._keeper.make_files(first):
                return
            with self._mutex:
                self._keeper.adopt_files()
            self._env.release_memory()
            if self._sealed is not None:
                self._sealed()

        self._sealing = [*self._sealing[-4:], self._env.background(work)]

    def seal(self) -> None:
        """Seal the active segment now, unless it holds no event yet, and wait for its files. Raises as ``execute``."""
        if self._read_only:
            raise ReadOnly
        with self._mutex:
            self._require_writable()
            try:
                self._flocked(self._keeper.seal)
            except Exception as error:
                self._keeper.fail([], error, self._flocked)
                raise
        self.settle_sealing()

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
            self._require_open()
            return self._flocked(lambda: self._keeper.recover(reason=reason, actor=actor))

    def after_fork(self) -> None:
        """In a forked child: own descriptors and locks. A flush that ran at the fork is not ours: read again."""
        was_busy = self._mutex.locked()
        self._mutex = self._env.mutex()
        self._holder = None
        self._group = Group(self._env, self._serve)
        self._sealing = []
        if self._is_closed:
            return
        keeper = self._keeper
        self._close_lock()
        self._lock_fd = self._open_lock()
        keeper.sealer.after_fork()
        keeper.store.reattach()
        keeper.is_stale = was_busy or keeper.is_stale or bool(keeper.store.index.sealing)

    def close(self) -> None:
        """Wait for sealing, make the mark durable, give the descriptors back. Closing twice is fine."""
        self.settle_sealing()
        with self._mutex:
            if self._is_closed:
                return
            self._is_closed = True
            if not self._read_only:
                self._keeper.store.sync_mark()
            self._keeper.store.close()
            self._close_lock()
