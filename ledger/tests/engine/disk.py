"""Environments for the tests: a disk in memory that can lose un-synced sectors, and the real one with failing calls.

Both are whole implementations of the engine's Env; the engine under test is the shipped one.
"""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from ledger.engine.env import Buffer, ForkAware, Mutex, OsEnv

SECTOR_BYTES = 512


class MemoryDisk:
    """Files in memory with a steady clock. ``names_of`` maps paths to contents; a power cut is made by the test."""

    def __init__(self, files: dict[Path, bytes] | None = None) -> None:
        self.files = {path: bytearray(content) for path, content in (files or {}).items()}
        self.micros = 1_700_000_000_000_000
        self._open: dict[int, bytearray] = {}
        self._next_fd = 100
        self._counter = 0

    def image(self) -> dict[Path, bytes]:
        """What is on the disk now, as a process sees it."""
        return {path: bytes(content) for path, content in self.files.items()}

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        if path not in self.files:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            self.files[path] = bytearray()
        elif flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        if flags & os.O_TRUNC:
            self.files[path][:] = b""
        self._next_fd += 1
        self._open[self._next_fd] = self.files[path]
        return self._next_fd

    def close(self, fd: int) -> None:
        del self._open[fd]

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        return bytes(self._open[fd][offset : offset + length])

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:
        file = self._open[fd]
        if len(file) < offset:
            file.extend(bytes(offset - len(file)))
        file[offset : offset + len(content)] = content
        return len(content)

    def fdatasync(self, fd: int) -> None:
        assert fd in self._open

    fsync = fdatasync

    def truncate(self, fd: int, length: int) -> None:
        del self._open[fd][length:]

    def size(self, fd: int) -> int:
        return len(self._open[fd])

    def map(self, fd: int) -> Buffer:
        return bytes(self._open[fd])

    def chmod(self, path: Path, mode: int) -> None:
        assert path in self.files

    def link(self, source: Path, target: Path) -> None:
        if target in self.files:
            raise FileExistsError(errno.EEXIST, "exists", str(target))
        self.files[target] = self.files[source]

    def rename(self, source: Path, target: Path) -> None:
        self.files[target] = self.files.pop(source)

    def unlink(self, path: Path) -> None:
        if self.files.pop(path, None) is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))

    def symlink(self, target: str, path: Path) -> None:
        self.files[path] = bytearray(target.encode())

    def mkdir(self, path: Path) -> None:
        """Directories are only parts of names here."""

    def names(self, path: Path) -> list[str]:
        return [file.name for file in self.files if file.parent == path]

    def exists(self, path: Path) -> bool:
        return path in self.files

    def sync_directory(self, path: Path) -> None:
        """Names are durable at once: this disk only loses sectors."""

    def disk(self, path: Path) -> tuple[int, int]:
        return 2**40, 2**39

    def mounts(self) -> str:
        return ""

    def lock(self, fd: int) -> None:
        assert fd in self._open

    unlock = lock

    def mutex(self) -> Mutex:
        return threading.Lock()

    def wall_micros(self) -> int:
        self.micros += 7
        return self.micros

    steady_micros = wall_micros

    def random_hex(self, count: int) -> str:
        self._counter += 1
        return f"{self._counter:0{2 * count}x}"

    def background(self, work: Callable[[], None]) -> Callable[[], None]:
        """Runs when it is waited for: one process, one thread, the same order every time."""
        return work

    def release_memory(self) -> None:
        """There is no C library below this disk."""

    def watch_fork(self, watcher: ForkAware) -> None:
        """Nothing forks here."""


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
