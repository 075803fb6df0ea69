"""Rows beside other stores: in turns, the same facts, on the same file system."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from ledger.bench.peers import PEERS, NotInstalled, Peer
from ledger.bench.row import BenchRow, rate_row
from ledger.bench.stage import AGENTS, Stage, in_threads
from ledger.credits.state import CreditState
from ledger.engine import Journal
from ledger.proof.verification import verify

_RANGE_EVENTS = 1000
_FILL_EVENTS = 500
_CLIENTS = 32


Measure = Callable[[str, Stage], Iterator[BenchRow]]


def writing_beside(peer: str) -> Measure:
    """Single commands, many clients, big commands; a ratio of 1 is as fast as the peer."""
    return partial(_opened, peer, _writing)


def reading_beside(peer: str) -> Measure:
    """Replay, single events, ranges, streams."""
    return partial(_opened, peer, _reading)


def _opened(
    peer: str, measure: Callable[[str, Stage, Peer], Iterator[BenchRow]], name: str, stage: Stage
) -> Iterator[BenchRow]:
    try:
        with PEERS[peer](stage.home) as opened:
            yield from measure(name, stage, opened)
    except NotInstalled:
        yield BenchRow(name=name, unit="events/s", ours=None, target=1.0, is_of_ratio=True)


def _writing(name: str, stage: Stage, peer: Peer) -> Iterator[BenchRow]:
    with stage.journal() as journal:
        for threads, events in ((1, 1), (_CLIENTS, 1), (1, 100), (1, 1000)):
            ours = partial(stage.appends, journal, threads=threads, events=events)
            pair = stage.in_turns(partial(_appends, peer, stage.slice_seconds, threads, events), ours)
            what = f"commands of {events}" if events > 1 else f"{threads} client{'s' if threads > 1 else ''}"
            yield rate_row(
                f"{name}: {what}", unit="events/s", floor=pair.floor * events, ours=pair.ours * events, at_least=1.0
            )


def _appends(peer: Peer, seconds: float, threads: int, events: int) -> float:
    """Commands per second of the peer."""
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def write(thread: int) -> None:
        while time.perf_counter() < end:
            peer.append(thread=thread, events=events)
            counts[thread] += 1

    in_threads(threads, write)
    return sum(counts) / seconds


def _reading(name: str, stage: Stage, peer: Peer) -> Iterator[BenchRow]:
    """Ours checks the crc of what it reads, and in a replay the chain too; the peers check nothing."""
    stage.fill()
    for number in range(stage.sizes.events // _FILL_EVENTS):
        peer.append(thread=number % AGENTS, events=_FILL_EVENTS)
    journal = Journal.open(path=stage.path, state=CreditState(), read_only=True)
    places, events = random.Random(1), stage.sizes.events
    work: tuple[tuple[str, Callable[[], int], Callable[[], int]], ...] = (
        ("replay", peer.replay, lambda: verify(path=stage.path, take=CreditState().apply).events),
        (
            "one event",
            lambda: peer.range(after=places.randrange(events), limit=1),
            lambda: len([journal.get(seq=places.randint(1, events))]),
        ),
        (
            f"range of {_RANGE_EVENTS}",
            lambda: peer.range(after=places.randint(0, events - _RANGE_EVENTS), limit=_RANGE_EVENTS),
            lambda: len([*journal.read(after=places.randint(0, events - _RANGE_EVENTS), limit=_RANGE_EVENTS)]),
        ),
        (
            "one stream of ten",
            lambda: peer.stream(places.randrange(AGENTS)),
            lambda: len([*journal.read(stream=f"agent:b-{places.randrange(AGENTS)}")]),
        ),
    )
    for what, theirs, ours in work:
        pair = stage.in_turns(partial(_rate, theirs, stage.slice_seconds), partial(_rate, ours, stage.slice_seconds))
        yield rate_row(f"{name}: {what}", unit="events/s", floor=pair.floor, ours=pair.ours, at_least=1.0)
    journal.close()


def _rate(read: Callable[[], int], seconds: float) -> float:
    """Events read per second; at least one reading."""
    started = time.perf_counter()
    count = read()
    while time.perf_counter() - started < seconds:
        count += read()
    return count / (time.perf_counter() - started)
