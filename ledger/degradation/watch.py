"""One journal's state, as this process and the others on this machine find it.

What was found is shared through `condition.json` in the directory of the journal, written when the state changes:
read-only until a person removes it, degraded for as long as somebody confirms it. Disk, memory and backlog are seen by
everybody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ledger.degradation.errors import NotReadOnly, ReadOnlyNow, SoundnessUnknown
from ledger.degradation.states import (
    SEEN_BY_ALL,
    TRANSITIONS,
    Cause,
    Finding,
    Level,
    State,
    findings_of_backlog,
    findings_of_disk,
    findings_of_memory,
    findings_of_writes,
    signal_of,
)
from ledger.degradation.writes import WINDOW_SECONDS, MeasuredEnv, Writes
from ledger.engine.env import Env, OsEnv
from ledger.engine.layout import drop, read_whole, write_new
from ledger.engine.times import text_of

FORMAT = "gatehouse-condition-1"
LOOK_SECONDS = 2.0
_HOLDS_MICROS = WINDOW_SECONDS * 1_000_000
_DAMAGED = Finding(cause=Cause.DAMAGE, level=Level.CRITICAL, count=1, total=1)
_SOUND_AGAIN = replace(_DAMAGED, level=Level.WARNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How the journal stands, why, and since when (a time as in records; empty when it is normal)."""

    state: State = State.NORMAL
    findings: tuple[Finding, ...] = ()
    since: str = ""

    @property
    def is_damaged(self) -> bool:
        """Whether damage was found, and nobody has read all of the journal since and found it sound."""
        return _DAMAGED in self.findings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What the file says. `until_micros` of the wall clock: degraded no longer, unless somebody says so again."""

    standing: Standing
    until_micros: int = 0


class Watch:
    """Watches the journal in directory `path` for one process. `env` is what that process opens the journal with.

    `memory` answers the bytes of the machine and those still available, `backlog` how many events the running
    subscriber that is farthest behind has not got yet; what raises OSError or ValueError says nothing.
    """

    def __init__(
        self,
        *,
        path: Path,
        env: Env | None = None,
        writes: Writes | None = None,
        memory: Callable[[], tuple[int, int]] | None = None,
        backlog: Callable[[], int] | None = None,
    ) -> None:
        self._memory = memory
        self._backlog = backlog
        self.writes = writes if writes is not None else Writes()
        self.env = env if env is not None else MeasuredEnv(self.writes)
        self._files = OsEnv()
        self.path = path
        self._file = path / "condition.json"
        self._unshared: Standing | None = None
        self._was_stopped = False
        self._sharing = threading.Lock()
        self._ending = threading.Event()

    # Asking

    def require_writable(self) -> None:
        """Refuse a write while the journal is read-only: ReadOnlyNow. Normally one look at a file that is not there."""
        if self._unshared is None and not self._files.exists(self._file):
            return
        found = self.standing()
        if found.state is State.READ_ONLY:
            raise ReadOnlyNow(since=found.since)

    def standing(self, *, is_damaged: bool = False) -> Standing:
        """The state now, by the shared one and what this process measured; a change is shared. Never waits for writes.

        `is_damaged`: whoever asks has just found the journal corrupt.
        """
        shared = self._read()
        known = self._unshared or (shared.standing if shared is not None else Standing())
        if self._was_stopped and known.state is not State.READ_ONLY:
            self.writes.clear()
        measured = self._measured(is_damaged=is_damaged)
        found = _merged(measured, known.findings)
        state = TRANSITIONS[known.state, signal_of(found)]
        now = self.env.wall_micros()
        if state is State.NORMAL:
            found_now = Standing()
        elif known.state is state is State.READ_ONLY:
            found_now = _with(_DAMAGED, known) if is_damaged else known
        else:
            since = known.since if known.state is state else text_of(now)
            found_now = Standing(state=state, findings=found, since=since)
        self._was_stopped = state is State.READ_ONLY
        self._share(found_now, shared, measured, now)
        return found_now

    def _measured(self, *, is_damaged: bool) -> list[Finding]:
        found = findings_of_writes(self.writes.counts(now_micros=self.env.steady_micros()))
        if is_damaged:
            found.append(_DAMAGED)
        with suppress(OSError):
            size, free = self.env.disk(self.path)
            found += findings_of_disk(size_bytes=size, free_bytes=free)
        with suppress(OSError, ValueError):
            if self._memory is not None:
                size, available = self._memory()
                found += findings_of_memory(size_bytes=size, available_bytes=available)
            if self._backlog is not None:
                found += findings_of_backlog(self._backlog())
        return found

    # Leaving

    def on_record(self) -> Standing:
        """What every process goes by, whatever this one measures."""
        shared = self._read()
        return shared.standing if shared is not None else Standing()

    def note_sound(self, *, since: Standing) -> None:
        """All of the journal was read, begun when `since` was on record, and found sound: what damage was found before
        no longer keeps a person from releasing it. What was found meanwhile does. OSError.
        """
        with self._changing():
            if since.is_damaged and self.on_record() == since:
                write_new(self._files, self._file, _content_of(_Shared(standing=_with(_SOUND_AGAIN, since))))

    def release(self) -> Standing:
        """Let it be written again, as a person said; returns how it stood. The caller keeps the record.

        Raises NotReadOnly, SoundnessUnknown.
        """
        with self._changing():
            known = self._unshared or self.on_record()
            if known.state is not State.READ_ONLY:
                raise NotReadOnly
            if known.is_damaged:
                raise SoundnessUnknown
            drop(self._files, self._file)
            self._files.sync_directory(self.path)
        self._unshared = None
        self._was_stopped = False
        self.writes.clear()
        return known

    # Watching

    def start(self) -> None:
        """Look every other second, beside everything else: a disk that hangs keeps all who would ask waiting."""
        threading.Thread(target=self._look_on, name="ledger-watch", daemon=True).start()

    def stop(self) -> None:
        """End what `start` began."""
        self._ending.set()

    def _look_on(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            self.standing()

    # The file

    def _share(self, found: Standing, shared: _Shared | None, measured: list[Finding], now: int) -> None:
        """Write what others cannot see for themselves. On a disk that takes nothing it stays with this process."""
        known = shared.standing if shared is not None else Standing()
        if found.state is State.READ_ONLY and (
            known.state is not State.READ_ONLY or (found.is_damaged and not known.is_damaged)
        ):
            self._unshared = found
            self._write(_Shared(standing=found))
        elif found.state is State.DEGRADED:
            own = tuple(one for one in measured if one.cause not in SEEN_BY_ALL)
            is_said = shared is not None and shared.until_micros - now > _HOLDS_MICROS // 2
            if own and not is_said:
                standing = Standing(state=found.state, findings=own, since=found.since)
                self._write(_Shared(standing=standing, until_micros=now + _HOLDS_MICROS))

    def _write(self, shared: _Shared) -> None:
        """One thread at a time; who comes second has nothing newer to say. To read-only only damage is added."""
        if not self._sharing.acquire(blocking=False):
            return
        try:
            with self._changing():
                there = self.on_record()
                if there.state is not State.READ_ONLY:
                    write_new(self._files, self._file, _content_of(shared))
                elif shared.standing.is_damaged and not there.is_damaged:
                    write_new(self._files, self._file, _content_of(_Shared(standing=_with(_DAMAGED, there))))
                if shared.standing.state is State.READ_ONLY:
                    self._unshared = None
        except OSError:
            return
        finally:
            self._sharing.release()

    def _read(self) -> _Shared | None:
        """What the file says and still holds. What cannot be read stops writes: somebody wrote it for a reason."""
        try:
            fields = orjson.loads(read_whole(self._files, self._file))
            found = _shared_of(fields)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return _Shared(standing=Standing(state=State.READ_ONLY, since="?"))
        is_over = found.standing.state is State.DEGRADED and found.until_micros < self.env.wall_micros()
        return None if is_over else found

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Among processes. Not the journal's own lock: a write that hangs holds that."""
        descriptor = self._files.open(self.path / "condition.lock", os.O_RDWR | os.O_CREAT)
        try:
            self._files.lock(descriptor)
            yield
        finally:
            self._files.close(descriptor)


def _merged(measured: list[Finding], known: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What is measured here, and what others said of causes that are calm here."""
    causes = {one.cause for one in measured}
    return (*measured, *(one for one in known if one.cause not in causes))


def _with(damage: Finding, standing: Standing) -> Standing:
    """With this in the place of what was known about damage."""
    others = (one for one in standing.findings if one.cause is not damage.cause)
    return replace(standing, findings=(damage, *others))


def _content_of(shared: _Shared) -> bytes:
    standing = shared.standing
    fields = {
        "format": FORMAT,
        "state": standing.state,
        "since": standing.since,
        "until_micros": shared.until_micros,
        "findings": [asdict(one) for one in standing.findings],
    }
    return orjson.dumps(fields) + b"\n"


def _shared_of(fields: dict[str, Any]) -> _Shared:
    findings = tuple(
        Finding(**{**one, "cause": Cause(one["cause"]), "level": Level(one["level"])}) for one in fields["findings"]
    )
    standing = Standing(state=State(fields["state"]), findings=findings, since=str(fields["since"]))
    return _Shared(standing=standing, until_micros=int(fields["until_micros"]))
