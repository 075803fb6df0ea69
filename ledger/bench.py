"""How fast the journal is on this machine, beside the machine's own floor, measured in turns in the same run.

The floor is a bare ``pwrite`` + ``fdatasync`` of the same number of bytes into a filled file on the same file system.
Figures without it say more about the disk than about the journal. ``python -m ledger.bench DIRECTORY`` prints a table.
"""

import argparse
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ledger.bench_peers import TYPICAL_BYTES, NotInstalled, Rate, eventsourcing, sqlite
from ledger.engine import Command, Journal, NewEvent, State
from ledger.proof.verification import verify

SLICES = 5
FINGERPRINT = "0" * 32
AGENTS = 10
OPEN_EVENTS = 100_000
MEMORY_EVENTS = 30_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchRow:
    """One figure. ``ratio`` is ours / floor (or ours / peer); ``target`` is for the ratio if ``is_of_ratio``, else for
    ``ours``. ``floor`` and ``target`` are None where there is none, ``ours`` where the peer is not installed.
    ``better`` says which direction is good."""

    name: str
    unit: str
    floor: float | None
    ours: float | None
    ratio: float | None
    target: float | None
    is_of_ratio: bool
    better: Literal["higher", "lower"]
    is_reached: bool


class _Pair(NamedTuple):
    floor: float
    ours: float


def run_bench(
    *, directory: Path, state_factory: Callable[[], State], rows: Sequence[str] | None = None, seconds: float = 2.0
) -> tuple[BenchRow, ...]:
    """Measure the chosen ``rows`` (names of ROWS, all by default) in a temporary directory below ``directory``.

    ``seconds`` is the time for each rate; ``state_factory`` makes the state that events are folded into.
    Raises KeyError for an unknown row.
    """
    chosen = [(name, ROWS[name]) for name in (rows if rows is not None else ROWS)]
    found = []
    for name, measure in chosen:
        home = Path(tempfile.mkdtemp(prefix="bench-", dir=directory))
        try:
            found.append(measure(name, _Stage(home, state_factory, seconds)))
        finally:
            shutil.rmtree(home)
        gc.collect()
    return tuple(found)


class _Stage:
    """A directory with a journal, a filled file for the floor, and numbered commands."""

    def __init__(self, home: Path, state_factory: Callable[[], State], seconds: float) -> None:
        self.home = home
        self.state_factory = state_factory
        self.slice = seconds / SLICES
        self._number = 0
        self._floor_fd = os.open(home / "floor", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        self._floor_bytes = 32 * 2**20
        os.pwrite(self._floor_fd, b"\n" * self._floor_bytes, 0)
        os.fsync(self._floor_fd)

    @contextmanager
    def journal(self, segment_bytes: int = 64 * 2**20) -> Iterator[Journal]:
        """A new journal whose agents exist."""
        journal = Journal.open(path=self.home / "credits", state=self.state_factory(), segment_bytes=segment_bytes)
        journal.execute(_command("agents", [_agent(number) for number in range(AGENTS)]))
        try:
            yield journal
        finally:
            journal.close()

    def next_number(self) -> int:
        """Keys are never used twice."""
        self._number += 1
        return self._number

    def floor(self, size: int) -> float:
        """Bare writes of ``size`` bytes per second, during one slice."""
        content = b"x" * size
        at = count = 0
        end = time.perf_counter() + self.slice
        while time.perf_counter() < end:
            os.pwrite(self._floor_fd, content, at)
            os.fdatasync(self._floor_fd)
            at = (at + size) % (self._floor_bytes - size)
            count += 1
        return count / self.slice

    def appends(self, journal: Journal, threads: int, events: int = 1) -> float:
        """Commands per second of so many threads, during one slice."""
        end = time.perf_counter() + self.slice
        counts = [0] * threads
        prefix = f"s{self.next_number()}"

        def write(thread: int) -> None:
            count = 0
            while time.perf_counter() < end:
                drafts = [_consumed(count % AGENTS)] * events
                journal.execute(_command(f"{prefix}-{thread}-{count}", drafts))
                count += 1
            counts[thread] = count

        if threads == 1:
            write(0)
        else:
            workers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        return sum(counts) / self.slice

    def in_turns(self, size: int, ours: Callable[[], float]) -> _Pair:
        """Medians of floor and ours, slice by slice in turns, because the load of a machine changes by the second."""
        ours()
        pairs = [(self.floor(size), ours()) for _ in range(SLICES)]
        pairs.sort(key=lambda pair: pair[1] / pair[0])
        return _Pair(*pairs[SLICES // 2])


def _command(key: str, drafts: list[NewEvent]) -> Command:
    return Command(
        key=key, fingerprint=FINGERPRINT, actor="cli:bench", correlation="mission:bench", decide=lambda: drafts
    )


def _agent(number: int) -> NewEvent:
    return NewEvent(stream=f"agent:b-{number}", type="agent.created", data={"skill_ppm": 500_000})


def _consumed(number: int) -> NewEvent:
    values = {
        "from_account": f"agent:b-{number}",
        "to_account": "system:consumption",
        "amount_micros": 1_500_000,
        "balance_micros": 998_500_000,
        "reason": "bench",
    }
    return NewEvent(stream=f"agent:b-{number}", type="credit.consumed", data=values)


def _ratio_row(name: str, pair: _Pair, target: float, unit: str = "commands/s") -> BenchRow:
    ratio = pair.ours / pair.floor
    return BenchRow(
        name=name,
        unit=unit,
        floor=pair.floor,
        ours=pair.ours,
        ratio=ratio,
        target=target,
        is_of_ratio=True,
        better="higher",
        is_reached=ratio >= target,
    )


def _plain_row(
    name: str, ours: float, target: float | None, unit: str, *, better: Literal["higher", "lower"], floor: float | None
) -> BenchRow:
    is_reached = target is None or (ours >= target if better == "higher" else ours <= target)
    return BenchRow(
        name=name,
        unit=unit,
        floor=floor,
        ours=ours,
        ratio=ours / floor if floor else None,
        target=target,
        is_of_ratio=False,
        better=better,
        is_reached=is_reached,
    )


def _absent_row(name: str) -> BenchRow:
    return BenchRow(
        name=name,
        unit="events/s",
        floor=None,
        ours=None,
        ratio=None,
        target=1.0,
        is_of_ratio=True,
        better="higher",
        is_reached=True,
    )


def _threads(threads: int, target: float) -> Callable[[str, _Stage], BenchRow]:
    def measure(name: str, stage: _Stage) -> BenchRow:
        with stage.journal() as journal:
            return _ratio_row(name, stage.in_turns(TYPICAL_BYTES, lambda: stage.appends(journal, threads)), target)

    return measure


def _batches(events: int, target: float) -> Callable[[str, _Stage], BenchRow]:
    def measure(name: str, stage: _Stage) -> BenchRow:
        with stage.journal() as journal:
            pair = stage.in_turns(TYPICAL_BYTES * events, lambda: stage.appends(journal, 1, events))
        return _plain_row(name, pair.ours * events, target, "events/s", better="higher", floor=pair.floor * events)

    return measure


def _processes(name: str, stage: _Stage) -> BenchRow:
    """2 processes of 16 threads each; they start together and count what they did in the same time."""
    with stage.journal():
        pass

    def ours() -> float:
        arguments = [sys.executable, "-m", "ledger.bench", str(stage.home), "--seconds"]
        arguments += [str(max(stage.slice, 0.5)), "--writer", f"p{stage.next_number()}"]
        writers = [
            subprocess.Popen([*arguments, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for number in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        counts = [writer.communicate("go\n")[0] for writer in writers]
        return sum(float(count) for count in counts)

    return _ratio_row(name, stage.in_turns(TYPICAL_BYTES, ours), 2.0)


def _writer(directory: Path, prefix: str, number: int, seconds: float) -> None:
    """The other side of ``_processes``: ready, wait for the word, write, tell the rate."""
    journal = Journal.open(path=directory / "credits", state=_Nothing())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    end = time.perf_counter() + seconds
    counts = [0] * 16

    def write(thread: int) -> None:
        while time.perf_counter() < end:
            key = f"{prefix}-{number}-{thread}-{counts[thread]}"
            journal.execute(_command(key, [_consumed(thread % AGENTS)]))
            counts[thread] += 1

    workers = [threading.Thread(target=write, args=(thread,)) for thread in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    journal.close()
    sys.stdout.write(f"{sum(counts) / seconds}\n")


def _cpu(name: str, stage: _Stage) -> BenchRow:
    """Processor time of an append beyond that of the bare write and fsync."""
    with stage.journal() as journal:
        stage.appends(journal, 1)
        results = []
        for _ in range(SLICES):
            started = time.thread_time()
            bare = stage.floor(TYPICAL_BYTES) * stage.slice
            middle = time.thread_time()
            count = stage.appends(journal, 1) * stage.slice
            results.append((time.thread_time() - middle) / count - (middle - started) / bare)
    ours = sorted(results)[SLICES // 2] * 1e6
    return _plain_row(name, ours, 12, "us", better="lower", floor=None)


def _filled(stage: _Stage, count: int, segment_bytes: int = 64 * 2**20) -> None:
    """A closed journal of ``count`` events, written in commands of 500."""
    with stage.journal(segment_bytes) as journal:
        for number in range(count // 500):
            drafts = [_consumed(index % AGENTS) for index in range(500)]
            journal.execute(_command(f"f-{number}", drafts))


def _replay(name: str, stage: _Stage) -> BenchRow:
    """Every record verified (crc, chain, place) and folded into the state, streamed from the files."""
    _filled(stage, OPEN_EVENTS)
    rates = []
    for _ in range(3):
        state = stage.state_factory()
        started = time.perf_counter()
        report = verify(path=stage.home / "credits", take=state.apply)
        rates.append(report.events / (time.perf_counter() - started))
    return _plain_row(name, max(rates), 150_000, "events/s", better="higher", floor=None)


def _cold_open(name: str, stage: _Stage) -> BenchRow:
    """Opening 100,000 events ready for commands. The page cache is emptied for the files first."""
    _filled(stage, OPEN_EVENTS)
    times = []
    for _ in range(3):
        for path in (stage.home / "credits" / "segments").iterdir():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
        started = time.perf_counter()
        journal = Journal.open(path=stage.home / "credits", state=stage.state_factory())
        times.append(time.perf_counter() - started)
        journal.close()
    return _plain_row(name, min(times), 1.0, "s", better="lower", floor=None)


def _memory(name: str, stage: _Stage) -> BenchRow:
    """Anonymous memory per 1000 events, over many seals, after the first tenth has warmed everything up."""
    with stage.journal(2**20) as journal:
        begun = 0
        for number in range(MEMORY_EVENTS // 500):
            if number == MEMORY_EVENTS // 5000:
                journal.settle_sealing()
                begun = _rss_anon_bytes()
            journal.execute(_command(f"m-{number}", [_consumed(index % AGENTS) for index in range(500)]))
        journal.settle_sealing()
        grown = _rss_anon_bytes() - begun
    return _plain_row(
        name, max(grown, 0) / (MEMORY_EVENTS * 0.9 / 1000) / 2**20, 1.0, "MiB/1000", better="lower", floor=None
    )


def _rss_anon_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _beside(
    peer: Callable[[Path, int], AbstractContextManager[Rate]], events: int
) -> Callable[[str, _Stage], BenchRow]:
    """Another store as the floor: its transactions of as many events, in turns with our commands."""

    def measure(name: str, stage: _Stage) -> BenchRow:
        try:
            with stage.journal() as journal, peer(stage.home, events) as rate:
                pairs = [
                    (rate(stage.slice) * events, stage.appends(journal, 1, events) * events) for _ in range(SLICES)
                ]
        except NotInstalled:
            return _absent_row(name)
        pair = _Pair(*sorted(pairs, key=lambda one: one[1] / one[0])[SLICES // 2])
        return _ratio_row(name, pair, 1.0, "events/s")

    return measure


class _Nothing:
    """A state that keeps nothing."""

    def apply(self, event: object) -> None:
        """Nothing to fold."""

    def reset(self) -> None:
        """Nothing to forget."""

    def digest(self) -> str:
        return "0" * 64


ROWS: dict[str, Callable[[str, _Stage], BenchRow]] = {
    "one thread": _threads(1, 0.85),
    "8 threads": _threads(8, 1.5),
    "32 threads": _threads(32, 2.5),
    "128 threads": _threads(128, 2.5),
    "2 processes x 16 threads": _processes,
    "commands of 100 events": _batches(100, 150_000),
    "commands of 1000 events": _batches(1000, 200_000),
    "CPU per append": _cpu,
    "replay into all projections": _replay,
    "100,000 events opened cold": _cold_open,
    "memory per 1000 events": _memory,
    "one thread beside SQLite (WAL, FULL)": _beside(sqlite, 1),
    "100 events beside SQLite (WAL, FULL)": _beside(sqlite, 100),
    "1000 events beside SQLite (WAL, FULL)": _beside(sqlite, 1000),
    "one thread beside eventsourcing": _beside(eventsourcing, 1),
}


def table(rows: Sequence[BenchRow]) -> str:
    """The rows as text, one line each."""
    lines = [f"{'':40s}{'floor':>12s}{'ours':>12s}{'ratio':>8s}{'target':>12s}  unit"]
    for row in rows:
        floor = f"{row.floor:,.0f}" if row.floor is not None else "-"
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else "-"
        target = "-" if row.target is None else f"{row.target:,.2f} x" if row.is_of_ratio else f"{row.target:,.0f}"
        ours = "-" if row.ours is None else f"{row.ours:,.0f}" if row.ours >= 100 else f"{row.ours:,.3f}"
        word = "  not installed" if row.ours is None else "" if row.is_reached else "  short"
        lines.append(f"{row.name:40s}{floor:>12s}{ours:>12s}{ratio:>8s}{target:>12s}  {row.unit}{word}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 if every target was reached, else 1."""
    from ledger.credits.state import CreditState

    parser = argparse.ArgumentParser(prog="python -m ledger.bench", description=__doc__)
    parser.add_argument("directory", type=Path, help="on the file system to measure")
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this row; may be repeated")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each rate")
    parser.add_argument("--writer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.writer:
        _writer(options.directory, options.writer[0], int(options.writer[1]), options.seconds)
        return 0
    rows = run_bench(directory=options.directory, state_factory=CreditState, rows=options.row, seconds=options.seconds)
    sys.stdout.write(table(rows) + "\n")
    return 0 if all(row.is_reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
