"""Rows about writing: threads, processes, big commands, latency and processor time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from ledger.bench.child import Child
from ledger.bench.row import BenchRow, limit_row, rate_row
from ledger.bench.stage import TYPICAL_BYTES, Stage, percentile

Measure = Callable[[str, Stage], Iterator[BenchRow]]

_LATENCIES = (("p50", 0.5, 2), ("p95", 0.95, 5), ("p99", 0.99, 10), ("p99.9", 0.999, 100))


def one_thread(name: str, stage: Stage) -> Iterator[BenchRow]:
    """The rate beside the floor, and how long a single command takes, beside the same of a bare write."""
    bare: list[int] = []
    times: list[int] = []
    with stage.journal() as journal:
        pair = stage.in_turns(
            lambda: stage.floor(TYPICAL_BYTES, bare), lambda: stage.appends(journal, threads=1, times=times)
        )
    yield rate_row(name, unit="commands/s", floor=pair.floor, ours=pair.ours, at_least=0.85)
    for word, share, at_most in _LATENCIES:
        floor, ours = percentile(bare, share) / 1e6, percentile(times, share) / 1e6
        yield limit_row(f"{name}, {word}", unit="ms", floor=floor, ours=ours, at_most=at_most)


def threads(count: int, at_least: float) -> Measure:
    """So many threads of one process."""

    def measure(name: str, stage: Stage) -> Iterator[BenchRow]:
        with stage.journal() as journal:
            pair = stage.in_turns(lambda: stage.floor(TYPICAL_BYTES), lambda: stage.appends(journal, threads=count))
        yield rate_row(name, unit="commands/s", floor=pair.floor, ours=pair.ours, at_least=at_least)

    return measure


def processes(count: int, thread_count: int, at_least: float) -> Measure:
    """So many processes of so many threads on one journal; they start together and write for the same time."""

    def measure(name: str, stage: Stage) -> Iterator[BenchRow]:
        with stage.journal():
            pass
        with ExitStack() as ends:
            started = [
                Child("append", stage.path, f"p{number}", thread_count, stage.slice_seconds) for number in range(count)
            ]
            writers = [ends.enter_context(writer) for writer in started]

            def ours() -> float:
                for writer in writers:
                    writer.start()
                return float(sum(writer.answer() for writer in writers))

            pair = stage.in_turns(lambda: stage.floor(TYPICAL_BYTES), ours)
        yield rate_row(name, unit="commands/s", floor=pair.floor, ours=pair.ours, at_least=at_least)

    return measure


def batches(events: int, at_least: int) -> Measure:
    """Commands of so many events, from one thread; the floor is a bare write of as many bytes."""

    def measure(name: str, stage: Stage) -> Iterator[BenchRow]:
        with stage.journal() as journal:
            pair = stage.in_turns(
                lambda: stage.floor(TYPICAL_BYTES * events), lambda: stage.appends(journal, threads=1, events=events)
            )
        floor, ours = pair.floor * events, pair.ours * events
        yield BenchRow(name=name, unit="events/s", floor=floor, ours=ours, target=at_least)

    return measure


def processor_time(name: str, stage: Stage) -> Iterator[BenchRow]:
    """Processor time of an append beyond that of the bare write and fsync."""
    results = []
    with stage.journal() as journal:
        stage.appends(journal, threads=1)
        for _ in range(stage.sizes.slices):
            started = time.thread_time()
            bare = stage.floor(TYPICAL_BYTES) * stage.slice_seconds
            middle = time.thread_time()
            count = stage.appends(journal, threads=1) * stage.slice_seconds
            floor = (middle - started) / bare
            results.append(((time.thread_time() - middle) / count - floor, floor))
    ours, floor = sorted(results)[len(results) // 2]
    yield limit_row(name, unit="us", floor=floor * 1e6, ours=ours * 1e6, at_most=12)
