"""The engine's effects on a simulated machine: one ``SimEnv`` is one process.

``meet`` is told of every call before it happens: its name, the file's, and what is to be written. It may raise OSError
(the call fails) or ``Killed`` (the process dies here), or answer a number: then a write stops after so many bytes.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ledger.engine.env import Buffer, ForkAware, Mutex
from ledger.simulation.disk import Directory, File, SimDisk
from ledger.simulation.turns import Killed, Task, Turns


class WrittenAnyway(OSError):
    """Raised by ``meet``: the write fails, though every byte of it is in the file."""


Meet = Callable[[str, str, bytes], int | None]


class _Open:
    """An open file: the file itself, its name for the trace, and how it was opened."""

    __slots__ = ("file", "flags", "name")

    def __init__(self, file: File, name: str, flags: int) -> None:
        self.file = file
        self.name = name
        self.flags = flags


class SimEnv:
    """One process on ``disk``. Without ``turns`` its threads are real ones; with it they are simulated too."""

    def __init__(
        self, disk: SimDisk, *, meet: Meet | None = None, turns: Turns | None = None, process: int = 0
    ) -> None:
        self.machine = disk
        self.meet: Meet = meet or _nothing
        self._turns = turns
        self._process = process
        self._open: dict[int, _Open] = {}
        self._watchers: list[ForkAware] = []
        self._is_dead = False

    def die(self) -> None:
        """The process is killed: it leaves, and its calls raise Killed."""
        self._is_dead = True
        if self._turns is not None:
            self._turns.kill(self._process)
        self.leave()

    def leave(self) -> None:
        """The process ends: its locks are free, its descriptors gone."""
        for fd in list(self._open):
            self._forget(fd)

    @property
    def open_names(self) -> list[str]:
        """The files it has open."""
        return [opened.name for opened in self._open.values()]

    def holds(self, path: Path) -> bool:
        """Whether the lock on this file is its own."""
        file = self.machine.node(path)
        return isinstance(file, File) and file.holder in self._open

    def fork(self) -> None:
        """The process goes on as its own child; the parent is gone."""
        for watcher in self._watchers:
            watcher.after_fork()

    def _before(self, call: str, name: str, content: bytes = b"") -> int | None:
        if self._turns is not None:
            self._turns.pause()
        if self._is_dead:
            raise Killed
        return self.meet(call, name, content)

    # Files

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        self._before("open", path.name)
        disk = self.machine
        node = disk.node(path)
        if node is None:
            if not flags & os.O_CREAT:
                _fail(errno.ENOENT, path)
            node = File(mode=mode)
            disk.directory(path.parent).change({path.name: node})
        elif flags & os.O_EXCL:
            _fail(errno.EEXIST, path)
        elif not isinstance(node, File):
            _fail(errno.EISDIR, path)
        elif flags & (os.O_WRONLY | os.O_RDWR) and not node.mode & 0o200:
            _fail(errno.EACCES, path)
        if flags & os.O_TRUNC and node.content:
            node.resize(0)
        fd = next(disk.fds)
        self._open[fd] = _Open(node, path.name, flags)
        return fd

    def close(self, fd: int) -> None:
        opened = self._of(fd)
        try:
            self._before("close", opened.name)
        finally:  # a close that fails has closed the file all the same
            if fd in self._open:
                self._forget(fd)

    def _forget(self, fd: int) -> None:
        self._let_go(self._open.pop(fd).file, fd)

    def _of(self, fd: int) -> _Open:
        if self._is_dead:
            raise Killed
        try:
            return self._open[fd]
        except KeyError:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        opened = self._of(fd)
        self._before("pread", opened.name)
        return bytes(opened.file.content[offset : offset + length])

    def pwrite(self, fd: int, content: bytes, offset: int) -> int:
        opened = self._of(fd)
        try:
            most = self._before("pwrite", opened.name, content)
        except WrittenAnyway:
            opened.file.write(content, offset)
            raise
        if not opened.flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if opened.flags & os.O_APPEND:
            offset = len(opened.file.content)
        piece = content if most is None else content[:most]
        if piece:
            opened.file.write(piece, offset)
        return len(piece)

    def fsync(self, fd: int) -> None:
        self._sync("fsync", fd)

    def fdatasync(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def _sync(self, call: str, fd: int) -> None:
        opened = self._of(fd)
        try:
            self._before(call, opened.name)
        except OSError:
            opened.file.sync_fails(self.machine.chance)
            raise
        opened.file.sync()

    def truncate(self, fd: int, length: int) -> None:
        opened = self._of(fd)
        self._before("truncate", opened.name)
        opened.file.resize(length)

    def size(self, fd: int) -> int:
        opened = self._of(fd)
        self._before("size", opened.name)
        return len(opened.file.content)

    def map(self, fd: int) -> Buffer:
        opened = self._of(fd)
        self._before("map", opened.name)
        return bytes(opened.file.content)

    # Names

    def chmod(self, path: Path, mode: int) -> None:
        self._before("chmod", path.name)
        self.machine.file(path).mode = mode

    def link(self, source: Path, target: Path) -> None:
        self._before("link", target.name)
        node = self.machine.file(source)
        if self.machine.node(target) is not None:
            _fail(errno.EEXIST, target)
        self.machine.directory(target.parent).change({target.name: node})

    def rename(self, source: Path, target: Path) -> None:
        self._before("rename", target.name)
        assert source.parent == target.parent, "only within one directory"
        node = self.machine.node(source)
        if node is None:
            _fail(errno.ENOENT, source)
        self.machine.directory(source.parent).change({source.name: None, target.name: node})

    def unlink(self, path: Path) -> None:
        self._before("unlink", path.name)
        node = self.machine.node(path)
        if node is None:
            _fail(errno.ENOENT, path)
        if isinstance(node, Directory):
            _fail(errno.EISDIR, path)
        self.machine.directory(path.parent).change({path.name: None})

    def symlink(self, target: str, path: Path) -> None:
        self._before("symlink", path.name)
        if self.machine.node(path) is not None:
            _fail(errno.EEXIST, path)
        self.machine.directory(path.parent).change({path.name: target})

    def mkdir(self, path: Path) -> None:
        self._before("mkdir", path.name)
        self.machine.make_directory(path)

    def names(self, path: Path) -> list[str]:
        self._before("names", path.name)
        return list(self.machine.directory(path).entries)

    def exists(self, path: Path) -> bool:
        self._before("exists", path.name)
        return self.machine.node(path) is not None

    def sync_directory(self, path: Path) -> None:
        self._before("sync_directory", path.name)
        self.machine.directory(path).sync()

    # The machine

    def disk(self, path: Path) -> tuple[int, int]:
        self._before("disk", path.name)
        return self.machine.size_bytes, self.machine.free_bytes

    def mounts(self) -> str:
        self._before("mounts", "")
        return "1 0 0:1 / / rw - ext4 /dev/simulated rw\n"

    def wall_micros(self) -> int:
        self._before("wall_micros", "")
        self.machine.wall += 7
        return self.machine.wall

    def steady_micros(self) -> int:
        self._before("steady_micros", "")
        self.machine.steady += 3
        return self.machine.steady

    def random_hex(self, count: int) -> str:
        self._before("random_hex", "")
        return self.machine.chance.getrandbits(8 * count).to_bytes(count, "big").hex()

    # Locks and threads

    def lock(self, fd: int) -> None:
        file = self._of(fd).file
        self._before("lock", self._of(fd).name)
        if self._turns is not None:
            self._turns.wait(lambda: file.holder in (None, fd))
            file.holder = fd
            return
        with self.machine.freed:
            self.machine.freed.wait_for(lambda: file.holder in (None, fd))
            file.holder = fd

    def unlock(self, fd: int) -> None:
        opened = self._of(fd)
        self._before("unlock", opened.name)
        self._let_go(opened.file, fd)

    def _let_go(self, file: File, fd: int) -> None:
        if file.holder == fd:
            with self.machine.freed:
                file.holder = None
                self.machine.freed.notify_all()

    def mutex(self) -> Mutex:
        self._before("mutex", "")
        return threading.Lock() if self._turns is None else self._turns.mutex(self._process)

    def background(self, work: Callable[[], None]) -> Callable[[], None]:
        """With ``turns`` a thread like any other; without, the work is done when somebody waits for it."""
        self._before("background", "")
        if self._turns is None:
            return _Later(work)
        turns, process = self._turns, self._process
        task: Task = turns.spawn(work, name=f"{turns.name}+", process=process)
        return lambda: turns.wait(lambda: task.is_over)

    def release_memory(self) -> None:
        self._before("release_memory", "")

    def watch_fork(self, watcher: ForkAware) -> None:
        self._before("watch_fork", "")
        self._watchers.append(watcher)


class _Later:
    """Work that is done once, by the first who waits for it."""

    __slots__ = ("_lock", "_work")

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            work, self._work = self._work, None
            if work is not None:
                work()


def _nothing(call: str, name: str, content: bytes) -> None:
    """Every call succeeds."""


def _fail(number: int, path: Path) -> NoReturn:
    raise OSError(number, os.strerror(number), str(path))
