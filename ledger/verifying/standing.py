"""How far the verification of a journal is and what came of the last one, in files that outlive every process.

`running` is locked from the start to the end by whoever verifies: the kernel gives it back when they die. `turn` is
held while somebody looks or changes the rest. `begun`, `progress` and `ended` are put in place whole.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from ledger.verifying.reading import STEPS, Outcome


class State(StrEnum):
    """INTERRUPTED: it was begun and nobody is at it any more, as after a restart."""

    NEVER = "never"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    DONE = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """Who began when (ISO 8601). `records_for`: the number of the person in whose name the outcome goes on record."""

    at: str
    by: str
    records_for: int | None
    is_closing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Which of the steps, and the bytes read and to read in it."""

    step: int = 1
    done_bytes: int = 0
    total_bytes: int = 0

    @property
    def percent(self) -> int:
        """Of all steps, 0 to 100."""
        share = self.done_bytes / self.total_bytes if self.total_bytes else 0.0
        return min(int(100 * (self.step - 1 + share) / STEPS), 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where it stands. `begun` is None when NEVER; `outcome` is there when DONE."""

    state: State
    begun: Begun | None = None
    progress: Progress = Progress()
    outcome: Outcome | None = None
    is_on_record: bool = False

    @property
    def is_running(self) -> bool:
        """Whether somebody is at it."""
        return self.state is State.RUNNING

    @property
    def token(self) -> str:
        """Grows whenever what is shown of its progress does; whole numbers with points between them."""
        began_ms = int(self.begun_at.timestamp() * 1000) if self.begun_at else 0
        return f"{began_ms}.{self.progress.step}.{self.progress.percent}"

    @property
    def begun_at(self) -> datetime | None:
        """When it was begun."""
        return datetime.fromisoformat(self.begun.at) if self.begun else None


class Place:
    """The files of one journal's verifications. Any process may use it; OSError when the disk refuses."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def standing(self) -> Standing:
        """Where it stands now. Makes nothing."""
        if not self._directory.is_dir():
            return Standing(state=State.NEVER)
        with self._turn():
            return self._standing()

    def begin(self, *, at: str, by: str, records_for: int | None) -> int | None:
        """Begin, and return the descriptor that holds the lock; it goes to who verifies, and is closed here.

        None when somebody is at it: then theirs also goes on record for `records_for`, if it would not otherwise.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._turn():
            descriptor = self._try_lock()
            if descriptor is not None:
                for name in ("progress", "ended"):
                    (self._directory / name).unlink(missing_ok=True)
                self._write("begun", asdict(Begun(at=at, by=by, records_for=records_for)))
                return descriptor
            begun = self._begun()
            if begun is not None and begun.records_for is None and not begun.is_closing:
                self._write("begun", {**asdict(begun), "records_for": records_for})
            return None

    def tell(self, progress: Progress) -> None:
        """Say how far it is."""
        self._write("progress", asdict(progress))

    def close(self) -> int | None:
        """It is read: from now on nobody joins. The answer is for whom it goes on record."""
        with self._turn():
            begun = self._begun()
            if begun is None:
                return None
            self._write("begun", {**asdict(begun), "is_closing": True})
            return begun.records_for

    def end(self, outcome: Outcome, *, is_on_record: bool) -> None:
        """Keep what came of it. It is over when the lock is given back."""
        self._write("ended", {"outcome": outcome.as_json(), "is_on_record": is_on_record})

    def _standing(self) -> Standing:
        begun = self._begun()
        if begun is None:
            return Standing(state=State.NEVER)
        descriptor = self._try_lock()
        if descriptor is None:
            return Standing(state=State.RUNNING, begun=begun, progress=self._progress())
        os.close(descriptor)
        ended = self._read("ended")
        with suppress(TypeError, KeyError, ValueError):
            return Standing(
                state=State.DONE,
                begun=begun,
                progress=Progress(step=STEPS, done_bytes=1, total_bytes=1),
                outcome=Outcome.of_json(ended["outcome"]),
                is_on_record=bool(ended["is_on_record"]),
            )
        return Standing(state=State.INTERRUPTED, begun=begun, progress=self._progress())

    def _begun(self) -> Begun | None:
        with suppress(TypeError):
            return Begun(**self._read("begun"))
        return None

    def _progress(self) -> Progress:
        with suppress(TypeError):
            return Progress(**self._read("progress"))
        return Progress()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        descriptor = os.open(self._directory / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _try_lock(self) -> int | None:
        descriptor = os.open(self._directory / "running", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _read(self, name: str) -> dict[str, Any]:
        """What a file holds; nothing when it is missing or damaged."""
        with suppress(OSError, ValueError):
            values = orjson.loads((self._directory / name).read_bytes())
            return values if isinstance(values, dict) else {}
        return {}

    def _write(self, name: str, values: dict[str, Any]) -> None:
        temporary = self._directory / f"{name}.tmp"
        temporary.write_bytes(orjson.dumps(values))
        temporary.replace(self._directory / name)
