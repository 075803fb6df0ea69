"""A disk that is truly slow, or fails, under a watched journal; and what a second process on the machine sees."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.degradation import MeasuredEnv, Watch, Writes
from ledger.engine import Journal
from ledger.engine.env import OsEnv
from ledger.tests.engine.counting import opened, record


class PlantedDisk(OsEnv):
    """The real disk beneath, which takes longer to confirm when it is told to, waits until released, or fails."""

    confirm_seconds = 0.0
    is_failing = False
    percent_used: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.may_confirm = threading.Event()
        self.may_confirm.set()
        self.shift_micros = 0

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]  # a plain function there
        """As slow as planted."""
        self.may_confirm.wait()
        threading.Event().wait(self.confirm_seconds)
        OsEnv.fdatasync(fd)

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:  # type: ignore[override]  # as above
        """A write of records fails when planted; undoing it does not."""
        if self.is_failing and content.startswith(b"{"):
            raise OSError(errno.EIO, "Input/output error")
        return OsEnv.pwrite(fd, content, offset)

    def disk(self, path: Path) -> tuple[int, int]:
        """A terabyte, filled as planted."""
        size, free = super().disk(path)
        return (size, free) if self.percent_used is None else (100 * 2**33, (100 - self.percent_used) * 2**33)

    def steady_micros(self) -> int:
        """Time that a test may let pass."""
        return super().steady_micros() + self.shift_micros

    def wall_micros(self) -> int:
        """As above."""
        return super().wall_micros() + self.shift_micros


class WatchedDisk(MeasuredEnv, PlantedDisk):
    """What the server opens the journal with, on that disk."""


class Server:
    """A journal as one server process has it open, with its watch."""

    def __init__(self, path: Path) -> None:
        writes = Writes()
        self.disk = WatchedDisk(writes)
        self.watch = Watch(path=path, env=self.disk, writes=writes)
        self.journal: Journal = opened(path, env=self.disk)
        self._count = 0

    def write(self, count: int = 1) -> None:
        """Record so many commands."""
        for _number in range(count):
            self._count += 1
            record(self.journal, f"{id(self)}-{self._count}")

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass for this process."""
        self.disk.shift_micros += int(seconds * 1e6)

    def close(self) -> None:
        """End it."""
        self.watch.stop()
        self.disk.may_confirm.set()
        self.journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal stands."""
    return tmp_path / "credits"


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    """One server process."""
    server = Server(path)
    yield server
    server.close()


@pytest.fixture
def neighbour(path: Path, server: Server) -> Iterator[Server]:
    """Another one with the same journal open."""
    neighbour = Server(path)
    yield neighbour
    neighbour.close()
