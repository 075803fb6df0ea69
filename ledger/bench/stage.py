"""Where a row is measured: a directory with a journal, a filled file for the floor, and numbered commands.

The floor is a bare ``pwrite`` + ``fdatasync`` of the same number of bytes into a filled file on the same file system.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.credits.state import CreditState
from ledger.engine import Command, Journal, NewEvent

AGENTS = 10
TYPICAL_BYTES = 450
FINGERPRINT = "0" * 32
SEGMENT_BYTES = 64 * 2**20
FLOOR_BYTES = 32 * 2**20


class Sizes(NamedTuple):
    """How much is measured: ``seconds`` for each rate in so many ``slices``, ``events`` of a journal that is read."""

    seconds: float
    slices: int
    events: int
    keys: int
    deliveries: int
    memory_events: int


WHOLE = Sizes(seconds=2.0, slices=5, events=100_000, keys=10_000_000, deliveries=500, memory_events=3_000_000)
SHORT = Sizes(seconds=0.05, slices=1, events=5_000, keys=20_000, deliveries=50, memory_events=20_000)
"""Says that every row can be measured, and nothing about speed."""


class Pair(NamedTuple):
    """What the floor and what we did, in turns."""

    floor: float
    ours: float


class Stage:
    """One directory; whatever is in it goes when the row is measured."""

    def __init__(self, home: Path, sizes: Sizes) -> None:
        self.home = home
        self.sizes = sizes
        self.path = home / "credits"
        self.slice_seconds = sizes.seconds / sizes.slices
        self._number = 0
        self._floor_fd = filled(home / "floor")

    def close(self) -> None:
        os.close(self._floor_fd)

    @contextmanager
    def journal(self, *, segment_bytes: int = SEGMENT_BYTES) -> Iterator[Journal]:
        """A new journal whose agents exist."""
        journal = Journal.open(path=self.path, state=CreditState(), segment_bytes=segment_bytes)
        journal.execute(command("agents", [created(number) for number in range(AGENTS)]))
        try:
            yield journal
        finally:
            journal.close()

    def fill(self) -> None:
        """A closed journal of ``sizes.events`` events and the agents, written in commands of 500."""
        with self.journal() as journal:
            for number in range(self.sizes.events // 500):
                journal.execute(command(f"f-{number}", [consumed(index) for index in range(500)]))

    def floor(self, size: int, times: list[int] | None = None) -> float:
        """Bare writes of ``size`` bytes per second, during one slice; ``times`` gets the nanoseconds of each."""
        content = b"x" * size
        at = count = 0
        clock, kept = time.perf_counter_ns, times if times is not None else []
        now = clock()
        end = now + int(self.slice_seconds * 1e9)
        while now < end:
            os.pwrite(self._floor_fd, content, at)
            os.fdatasync(self._floor_fd)
            at = (at + size) % (FLOOR_BYTES - size)
            count += 1
            before, now = now, clock()
            kept.append(now - before)
        return count / self.slice_seconds

    def appends(self, journal: Journal, *, threads: int, events: int = 1, times: list[int] | None = None) -> float:
        """Commands per second of so many threads, during one slice; ``times`` gets the nanoseconds of each."""
        self._number += 1
        prefix, counts, kept = f"s{self._number}", [0] * threads, times if times is not None else []
        clock = time.perf_counter_ns
        end = clock() + int(self.slice_seconds * 1e9)

        def write(thread: int) -> None:
            count, now = 0, clock()
            while now < end:
                journal.execute(command(f"{prefix}-{thread}-{count}", [consumed(count)] * events))
                count += 1
                before, now = now, clock()
                kept.append(now - before)
            counts[thread] = count

        in_threads(threads, write)
        return sum(counts) / self.slice_seconds

    def in_turns(self, floor: Callable[[], float], ours: Callable[[], float]) -> Pair:
        """Medians of floor and ours, slice by slice in turns, because the load of a machine changes by the second."""
        ours()
        pairs = [Pair(floor(), ours()) for _ in range(self.sizes.slices)]
        pairs.sort(key=lambda pair: pair.ours / pair.floor)
        return pairs[len(pairs) // 2]


def filled(path: Path) -> int:
    """A new file of ``FLOOR_BYTES``, open for writing: what is written into it takes no new space."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    os.pwrite(fd, b"\n" * FLOOR_BYTES, 0)
    os.fsync(fd)
    return fd


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` with the numbers 0 to ``count`` - 1, each in a thread of its own unless it is alone."""
    if count == 1:
        work(0)
        return
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def percentile(times: list[int], share: float) -> float:
    """The time that this share of them does not exceed."""
    return float(sorted(times)[min(int(len(times) * share), len(times) - 1)])


def rss_anon_bytes() -> int:
    """The anonymous memory of this process; page cache and mapped files are the system's."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status tells no RssAnon")


def command(key: str, drafts: list[NewEvent]) -> Command:
    """A command that records ``drafts``, whatever the state."""
    return Command(
        key=key, fingerprint=FINGERPRINT, actor="cli:bench", correlation="mission:bench", decide=lambda: drafts
    )


def created(number: int) -> NewEvent:
    return NewEvent(stream=f"agent:b-{number}", type="agent.created", data={"skill_ppm": 500_000})


def consumed(number: int, agents: int = AGENTS) -> NewEvent:
    agent = f"agent:b-{number % agents}"
    values = {
        "from_account": agent,
        "to_account": "system:consumption",
        "amount_micros": 1_500_000,
        "balance_micros": 998_500_000,
        "reason": "bench",
    }
    return NewEvent(stream=agent, type="credit.consumed", data=values)
