"""Every effect of the engine: files, clock, randomness, locks, background work. ``OsEnv`` passes straight through.

The engine never calls the operating system past this object, so that the same code runs on a simulated disk.
"""

import ctypes
import fcntl
import mmap
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

Buffer = bytes | mmap.mmap


class Mutex(Protocol):
    """A lock among the threads of one process, as threading.Lock is."""

    def acquire(self, blocking: bool = ...) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ForkAware(Protocol):
    """What must drop its descriptors and locks in a forked child."""

    def after_fork(self) -> None: ...


class Env(Protocol):
    """The effects. Errors are OSError as the system raises them; paths are absolute."""

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int: ...
    def close(self, fd: int) -> None: ...
    def pread(self, fd: int, length: int, offset: int) -> bytes: ...
    def pwrite(self, fd: int, content: bytes, offset: int) -> int: ...
    def fdatasync(self, fd: int) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def truncate(self, fd: int, length: int) -> None: ...
    def size(self, fd: int) -> int: ...
    def map(self, fd: int) -> Buffer: ...
    def chmod(self, path: Path, mode: int) -> None: ...
    def link(self, source: Path, target: Path) -> None: ...
    def rename(self, source: Path, target: Path) -> None: ...
    def unlink(self, path: Path) -> None: ...
    def symlink(self, target: str, path: Path) -> None: ...
    def mkdir(self, path: Path) -> None: ...
    def names(self, path: Path) -> list[str]: ...
    def exists(self, path: Path) -> bool: ...
    def sync_directory(self, path: Path) -> None: ...
    def disk(self, path: Path) -> tuple[int, int]: ...
    def mounts(self) -> str: ...
    def lock(self, fd: int) -> None: ...
    def unlock(self, fd: int) -> None: ...
    def mutex(self) -> Mutex: ...
    def wall_micros(self) -> int: ...
    def steady_micros(self) -> int: ...
    def random_hex(self, count: int) -> str: ...
    def background(self, work: Callable[[], None]) -> Callable[[], None]: ...
    def release_memory(self) -> None: ...
    def watch_fork(self, watcher: ForkAware) -> None: ...


class OsEnv:
    """The real operating system. The hot calls are the system's own functions, without a layer between."""

    close = staticmethod(os.close)
    pread = staticmethod(os.pread)
    pwrite = staticmethod(os.pwrite)
    fdatasync = staticmethod(os.fdatasync)
    fsync = staticmethod(os.fsync)
    truncate = staticmethod(os.ftruncate)
    chmod = staticmethod(os.chmod)
    link = staticmethod(os.link)
    rename = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    names = staticmethod(os.listdir)
    mutex = staticmethod(threading.Lock)

    def __init__(self) -> None:
        """All threads share one malloc arena from here on.

        With an arena per thread, glibc keeps in each the most it ever needed: 14 MB after 80,000 commands from 50
        threads, growth that no trend can tell from a leak. Under the GIL more arenas buy nothing.
        """
        if _MALLOPT is not None:
            _MALLOPT(_M_ARENA_MAX, 1)

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        """Descriptors never reach a program started later."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def map(self, fd: int) -> Buffer:
        """The content of a file that no longer changes, for reading; it lives in the page cache, not in the process."""
        return mmap.mmap(fd, 0, prot=mmap.PROT_READ) if os.fstat(fd).st_size else b""

    def symlink(self, target: str, path: Path) -> None:
        path.symlink_to(target)

    def exists(self, path: Path) -> bool:
        """A disk that cannot say is no answer: OSError, where os.path.exists would say that nothing is there."""
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def mkdir(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def sync_directory(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def disk(self, path: Path) -> tuple[int, int]:
        """(bytes of the file system, bytes free for us)."""
        facts = os.statvfs(path)
        return facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize

    def mounts(self) -> str:
        """The mount table of this process, empty where the system has none."""
        table = Path("/proc/self/mountinfo")
        return table.read_text(encoding="utf-8", errors="surrogateescape") if table.exists() else ""

    def lock(self, fd: int) -> None:
        """Waits. flock and not lockf: POSIX locks vanish when any descriptor of the file closes."""
        fcntl.flock(fd, fcntl.LOCK_EX)

    def unlock(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def wall_micros(self) -> int:
        return time.time_ns() // 1000

    def steady_micros(self) -> int:
        return time.monotonic_ns() // 1000

    def random_hex(self, count: int) -> str:
        return secrets.token_hex(count)

    def background(self, work: Callable[[], None]) -> Callable[[], None]:
        """Start ``work`` beside the caller; the answer waits for its end."""
        thread = threading.Thread(target=work, name="ledger-seal", daemon=True)
        thread.start()
        return thread.join

    def release_memory(self) -> None:
        """Give freed memory back to the system, where the C library can."""
        if _TRIM is not None:
            _TRIM(0)

    def watch_fork(self, watcher: ForkAware) -> None:
        _FORK_AWARE.add(watcher)


_FORK_AWARE: "weakref.WeakSet[ForkAware]" = weakref.WeakSet()
_LIBC = ctypes.CDLL(None)
_TRIM: Callable[[int], int] | None = getattr(_LIBC, "malloc_trim", None)
_MALLOPT: Callable[[int, int], int] | None = getattr(_LIBC, "mallopt", None)
_M_ARENA_MAX = -8  # <malloc.h>


def _after_fork() -> None:
    for watcher in list(_FORK_AWARE):
        watcher.after_fork()


os.register_at_fork(after_in_child=_after_fork)
