"""What a process tree and its machine are doing: memory, open files and sockets, steal, and load from elsewhere.

Read from /proc directly: a look costs about a millisecond, so that watching does not become part of what is watched.
Its files are named by text: a `Path` interns each of its parts, and the watcher's own table of interned names, which is
made anew whenever enough of them came and went, would be a step of a megabyte in the memory it watches.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

MEMORY_OF_A_RUN: Final = "RssAnon"
OPENED_MAX: Final = 400
"""Names kept of what was opened; a run that opens more says so by this number being reached."""
_PF_KTHREAD: Final = 0x00200000
_KTHREADD_PID: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeReading:
    """A process and its descendants at one moment: anonymous memory in bytes, descriptors."""

    rss_anon_bytes: int
    open_files: int
    sockets: int
    pids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineReading:
    """CPU time of the whole machine so far, in clock ticks: all of it, stolen by the hypervisor, spent in programs."""

    total_ticks: int
    steal_ticks: int
    program_ticks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Share of the machine's CPU time, in millionths, that was stolen or spent on programs that are not Gatehouse's."""

    steal_ppm: int
    foreign_load_ppm: int


def read_tree(*, pid: int) -> TreeReading:
    """Read `pid` and all its descendants; those that end while being read count with what was seen of them."""
    pids = tuple(_descendants(pid))
    rss = files = sockets = 0
    for member in pids:
        rss += _rss_anon_bytes(member)
        member_files, member_sockets = _descriptors(member)
        files += member_files
        sockets += member_sockets
    return TreeReading(rss_anon_bytes=rss, open_files=files, sockets=sockets, pids=pids)


def read_machine() -> MachineReading:
    """Read /proc/stat. Time in kernel threads is not counted as programs: flushing our own journal happens there."""
    first = _text_of("/proc/stat").split("\n", 1)[0]
    user, nice, system, idle, iowait, irq, softirq, steal = (int(part) for part in first.split()[1:9])
    programs = user + nice + system - _kernel_thread_ticks()
    total = user + nice + system + idle + iowait + irq + softirq + steal
    return MachineReading(total_ticks=total, steal_ticks=steal, program_ticks=programs)


def head_of_house(*, pid: int) -> int:
    """The process all of Gatehouse descends from, as seen from `pid`: its highest ancestor that runs `manage.py`.

    A run that the console queued is watched by the task worker, and that by `manage.py up`, which the web server
    belongs to as well: none of them is foreign to the run. `pid` itself when nothing of Gatehouse stands above it.
    """
    head = pid
    while _runs_manage(parent := _parent(head)):
        head = parent
    return head


def read_house_ticks(*, head: int) -> int:
    """CPU time in clock ticks that `head` and all its descendants have used so far."""
    return sum(_cpu_ticks(member) for member in _descendants(head))


def noise_between(
    before: MachineReading, after: MachineReading, *, own_ticks_before: int, own_ticks_after: int
) -> Noise:
    """Noise between two readings; 0 when no clock tick passed between them. Own ticks: of all of Gatehouse."""
    total = after.total_ticks - before.total_ticks
    if total <= 0:
        return Noise(steal_ppm=0, foreign_load_ppm=0)
    own = max(0, own_ticks_after - own_ticks_before)
    foreign = max(0, after.program_ticks - before.program_ticks - own)
    steal = max(0, after.steal_ticks - before.steal_ticks)
    return Noise(
        steal_ppm=min(1_000_000, steal * 1_000_000 // total),
        foreign_load_ppm=min(1_000_000, foreign * 1_000_000 // total),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One look at tree and machine; noise is that of the time since the look before.

    `at_ns` is on the monotonic clock, `elapsed_ms` counts from the start of watching.
    """

    at_ns: int
    elapsed_ms: int
    tree: TreeReading
    noise: Noise


@dataclass
class Opened:
    """What the processes of a run were seen to have open: paths of regular files, and sockets with their addresses.

    `directory` is shortened to `<run>`, segment numbers to `#`, so that thousands of segments are one line.
    """

    directory: Path
    files: set[str] = field(default_factory=set)
    sockets: set[str] = field(default_factory=set)

    def look(self, pids: tuple[int, ...]) -> None:
        """Add what these processes have open now; a process that ended meanwhile adds nothing."""
        for pid in pids:
            try:
                member = psutil.Process(pid)
                self._add(self.files, (self._file_name(file.path) for file in member.open_files()))
                self._add(self.sockets, (_socket_name(socket) for socket in member.net_connections(kind="all")))
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue

    def as_json(self) -> dict[str, list[str]]:
        """Both lists, sorted."""
        return {"files": sorted(self.files), "sockets": sorted(self.sockets)}

    @staticmethod
    def _add(known: set[str], names: Iterable[str]) -> None:
        for name in names:
            if len(known) < OPENED_MAX:
                known.add(name)

    def _file_name(self, path: str) -> str:
        return re.sub(r"\d{6,}", "#", path.replace(str(self.directory), "<run>"))


class Sampler:
    """Looks at this process' tree at a fixed interval from a thread of its own and hands each sample on.

    Between `start` and `stop` the tree is watched; `noise` is then that of the whole time watched.
    """

    def __init__(self, *, directory: Path, interval_seconds: float, take: Callable[[Sample], None]) -> None:
        """`take` is called in the sampler's thread with each sample.

        `directory` is the run's, for the names of files.
        """
        self._interval = interval_seconds
        self._take = take
        self._pid = os.getpid()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._failure: BaseException | None = None
        self.opened = Opened(directory=directory)

    def start(self) -> None:
        """Take the readings everything is compared with, and begin."""
        self._started = time.monotonic()
        self._machine = self._machine_first = read_machine()
        self._head = head_of_house(pid=self._pid)
        self._ticks = self._ticks_first = read_house_ticks(head=self._head)
        self._thread.start()

    def stop(self) -> Noise:
        """Take a last sample, end the thread and return the noise over the whole time.

        Raises what the thread failed with.
        """
        self._is_over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return noise_between(
            self._machine_first,
            self._machine,
            own_ticks_before=self._ticks_first,
            own_ticks_after=self._ticks,
        )

    def _run(self) -> None:
        try:
            due = self._started + self._interval
            while not self._is_over.wait(max(0.0, due - time.monotonic())):
                self._look()
                due = max(due + self._interval, time.monotonic())
            self._look()
        except BaseException as failure:  # noqa: BLE001 - raised again by stop(), in the scenario's thread
            self._failure = failure

    def _look(self) -> None:
        machine, ticks, tree = read_machine(), read_house_ticks(head=self._head), read_tree(pid=self._pid)
        noise = noise_between(self._machine, machine, own_ticks_before=self._ticks, own_ticks_after=ticks)
        self._machine, self._ticks = machine, ticks
        self.opened.look(tree.pids)
        at_ns = time.monotonic_ns()
        elapsed_ms = at_ns // 1_000_000 - int(self._started * 1000)
        self._take(Sample(at_ns=at_ns, elapsed_ms=elapsed_ms, tree=tree, noise=noise))


def _text_of(name: str) -> str:
    with open(name, encoding="utf-8", errors="replace") as file:
        return file.read()


def _descendants(pid: int) -> list[int]:
    found, position = [pid], 0
    while position < len(found):
        found.extend(_children(found[position]))
        position += 1
    return found


def _parent(pid: int) -> int:
    """0 when there is none, or when the process ended."""
    fields = _stat_fields(pid)
    return int(fields[1]) if fields else 0


def _runs_manage(pid: int) -> bool:
    try:
        words = _text_of(f"/proc/{pid}/cmdline").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(word.rpartition("/")[2] == "manage.py" for word in words)


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            children.extend(int(child) for child in _text_of(f"/proc/{pid}/task/{task}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        # A thread or process that ended has no children any more.
        pass
    return children


def _rss_anon_bytes(pid: int) -> int:
    try:
        for line in _text_of(f"/proc/{pid}/status").splitlines():
            if line.startswith(MEMORY_OF_A_RUN):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        # It ended; a zombie has no such line and no memory either.
        pass
    return 0


def _descriptors(pid: int) -> tuple[int, int]:
    files = sockets = 0
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            except FileNotFoundError:
                continue
            if target.startswith("socket:"):
                sockets += 1
            elif target.startswith("/"):
                files += 1
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It ended while being read; a zombie's descriptors may not be listed.
        pass
    return files, sockets


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, so that index 0 is the state; empty when the process ended."""
    try:
        return _text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _cpu_ticks(pid: int) -> int:
    """utime, stime and those of children already waited for: what a member used stays in the sum after it ended."""
    fields = _stat_fields(pid)
    return sum(int(part) for part in fields[11:15])


def _kernel_thread_ticks() -> int:
    return sum(_cpu_ticks(pid) for pid in _kernel_threads())


def _kernel_threads() -> list[int]:
    return _children(_KTHREADD_PID) if _is_kernel_thread(_KTHREADD_PID) else []


def _is_kernel_thread(pid: int) -> bool:
    """In a container process 2 may be an ordinary one, and kernel threads are not visible at all."""
    fields = _stat_fields(pid)
    return bool(fields) and bool(int(fields[6]) & _PF_KTHREAD)


def _socket_name(socket: Any) -> str:
    """psutil's connection in words; its type differs between psutil's versions, its fields do not."""
    family = socket.family.name.removeprefix("AF_").lower()
    ends = [end for end in (_address(socket.laddr), _address(socket.raddr)) if end]
    return f"{family} {' -> '.join(ends) or 'unnamed'} {socket.status}"


def _address(address: Any) -> str:
    if isinstance(address, str):
        return address
    if isinstance(address, tuple) and address:
        return f"{address[0]}:{address[1]}"
    return ""
