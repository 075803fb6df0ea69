"""Rows about reading: replay, opening, single events, ranges, filters, balances, subscriptions."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from zlib import crc32

from orjson import loads

from ledger.bench.child import Child
from ledger.bench.row import BenchRow, limit_row
from ledger.bench.stage import AGENTS, Stage, command, consumed, percentile
from ledger.credits.ledger import Ledger
from ledger.credits.snapshots import take_snapshot
from ledger.credits.state import CreditState
from ledger.engine import Event, Journal
from ledger.engine.codec import TAIL_BYTES
from ledger.proof.verification import verify

_REPETITIONS = 3
_READS = 2000
_RANGES = 50
_RANGE_EVENTS = 1000
_TAIL_EVENTS = 1000
_PAUSE_SECONDS = 0.002


def replay(name: str, stage: Stage) -> Iterator[BenchRow]:
    """Every record verified (crc, chain, place) and folded into all projections, streamed from the files.

    The floor is what no reader can leave out: the bare calls of SHA-256, CRC-32 and the JSON parser on the same lines.
    """
    stage.fill()
    pairs = []
    for _ in range(_REPETITIONS):
        bare = _bare_rate(stage)
        state = CreditState()
        started = time.thread_time()
        report = verify(path=stage.path, take=state.apply)
        pairs.append((report.events / (time.thread_time() - started), bare))
    ours, floor = max(pairs)
    yield BenchRow(name=name, unit="events/s", floor=floor, ours=ours, target=250_000)


def _bare_rate(stage: Stage) -> float:
    count, digest = 0, bytes(32)
    started = time.thread_time()
    for path in sorted((stage.path / "segments").glob("*.jsonl")):
        for line in path.read_bytes().rstrip(b"\n").split(b"\n"):
            digest = sha256(digest + line[:-TAIL_BYTES]).digest()
            crc32(line)
            loads(line)
            count += 1
    return count / (time.thread_time() - started)


def cold_start(name: str, stage: Stage) -> Iterator[BenchRow]:
    """Opening a journal ready for commands, from nothing and from a snapshot. The page cache is emptied first."""
    stage.fill()
    yield limit_row(name, unit="s", ours=_opening_seconds(stage), at_most=0.6)
    journal = Journal.open(path=stage.path, state=CreditState())
    journal.seal()
    journal.execute(command("tail", [consumed(number) for number in range(_TAIL_EVENTS)]))
    journal.close()
    take_snapshot(path=stage.path)
    yield limit_row(f"{name}, with snapshot", unit="s", ours=_opening_seconds(stage), at_most=0.1)


def _opening_seconds(stage: Stage) -> float:
    found = []
    for _ in range(_REPETITIONS):
        _forget_pages(stage)
        started = time.perf_counter()
        journal = Journal.open(path=stage.path, state=CreditState())
        found.append(time.perf_counter() - started)
        journal.close()
    return min(found)


def _forget_pages(stage: Stage) -> None:
    for path in (stage.path / "segments").iterdir():
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def single_reads(name: str, stage: Stage) -> Iterator[BenchRow]:
    """One event by its number, anywhere in the journal; and a balance, which is in memory."""
    stage.fill()
    ledger = Ledger.open(path=stage.path)
    places = random.Random(1)
    times = [_nanoseconds(lambda: ledger.journal.get(seq=places.randint(1, stage.sizes.events))) for _ in range(_READS)]
    yield limit_row(f"{name}, p99", unit="ms", ours=percentile(times, 0.99) / 1e6, at_most=1)
    started = time.thread_time()
    for number in range(_READS):
        ledger.balance(f"b-{number % AGENTS}")
    yield limit_row("balance", unit="us", ours=(time.thread_time() - started) / _READS * 1e6, at_most=5)
    ledger.close()


def ranges(name: str, stage: Stage) -> Iterator[BenchRow]:
    """A thousand events in a row; and those of one stream, a tenth of all."""
    stage.fill()
    journal = Journal.open(path=stage.path, state=CreditState(), read_only=True)
    places = random.Random(1)
    starts = [places.randint(0, stage.sizes.events - _RANGE_EVENTS) for _ in range(_RANGES)]
    times = [_nanoseconds(partial(_range_from, journal, start)) for start in starts]
    yield limit_row(f"{name}, p99", unit="ms", ours=percentile(times, 0.99) / 1e6, at_most=100)
    agents = [f"agent:b-{number}" for number in range(AGENTS)]
    times = [_nanoseconds(partial(_stream_of, journal, agent)) for agent in agents]
    yield limit_row("filter matching a tenth, p99", unit="ms", ours=percentile(times, 0.99) / 1e6, at_most=500)
    journal.close()


def _range_from(journal: Journal, after: int) -> list[Event]:
    return list(journal.read(after=after, limit=_RANGE_EVENTS))


def _stream_of(journal: Journal, agent: str) -> list[Event]:
    return list(journal.read(stream=agent))


def _nanoseconds(work: Callable[[], object]) -> int:
    started = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - started


def delivery(name: str, stage: Stage) -> Iterator[BenchRow]:
    """From the writer's answer to a subscriber in another process, for commands that come every few milliseconds."""
    count = stage.sizes.deliveries
    with stage.journal() as journal, Child("follow", stage.path, journal.head.seq, count) as subscriber:
        subscriber.start()
        durable: dict[int, int] = {}
        for number in range(count):
            receipt = journal.execute(command(f"d-{number}", [consumed(number)]))
            durable[receipt.events[0].seq] = time.monotonic_ns()
            time.sleep(_PAUSE_SECONDS)
        times = [max(at - durable[seq], 0) for seq, at in subscriber.answer()]
    yield limit_row(f"{name}, p50", unit="ms", ours=percentile(times, 0.5) / 1e6, at_most=2)
    yield limit_row(f"{name}, p99", unit="ms", ours=percentile(times, 0.99) / 1e6, at_most=20)
