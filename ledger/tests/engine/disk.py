"""The real disk with failing calls: what a simulated one cannot show is how the system's own calls fail."""

import os
from collections.abc import Callable
from pathlib import Path

from ledger.engine.env import OsEnv


class FailingDisk(OsEnv):
    """The real disk, on which chosen calls fail. ``plan`` maps a call's name to what it does instead of succeeding."""

    def __init__(self) -> None:
        self.plan: dict[str, Callable[[], None]] = {}
        self.calls: list[str] = []
        self.wall_offset = 0
        self.mount_table: str | None = None

    def fail(self, name: str, number: int, *, times: int = 1) -> None:
        """The next ``times`` calls of ``name`` raise OSError(``number``)."""
        left = [times]

        def strike() -> None:
            if left[0] > 0:
                left[0] -= 1
                raise OSError(number, os.strerror(number))

        self.plan[name] = strike

    def _meet(self, name: str) -> None:
        self.calls.append(name)
        if name in self.plan:
            self.plan[name]()

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:  # type: ignore[override]
        self._meet("pwrite")
        if "short" in self.plan:
            return os.pwrite(fd, content[: max(1, len(content) // 2)], offset)
        return os.pwrite(fd, content, offset)

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]
        self._meet("fdatasync")
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:  # type: ignore[override]
        self._meet("fsync")
        os.fsync(fd)

    def link(self, source: Path, target: Path) -> None:  # type: ignore[override]
        self._meet("link")
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:  # type: ignore[override]
        self._meet("rename")
        os.replace(source, target)

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        self._meet("open")
        return super().open(path, flags, mode)

    def wall_micros(self) -> int:
        return super().wall_micros() + self.wall_offset

    def mounts(self) -> str:
        return super().mounts() if self.mount_table is None else self.mount_table
