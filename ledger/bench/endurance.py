"""What minutes show and seconds do not: a steady offer with flat memory and nothing lost, and a journal of millions.

``endure`` offers 10,000 events a second in commands of 100. An answer counts from when its command was due, so that a
rate that cannot be kept shows in the rate and in the latest answer. Beside it a process of its own makes as many bare
writes at the same moments: how late the machine itself is, whose processor and disk may be taken away for seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from ledger.bench.child import Child
from ledger.bench.row import BenchRow, limit_row
from ledger.bench.stage import Sizes, command, consumed, created, rss_anon_bytes
from ledger.credits.state import CreditState
from ledger.engine import Event, Journal
from ledger.proof.verification import verify

Say = Callable[[str], None]

EVENTS_PER_SECOND = 10_000
COMMAND_EVENTS = 100
MEMORY_MIB_MAX = 300
GROWTH_MIB_PER_MINUTE_MAX = 0.1
LATEST_MS_MAX = 1000
_AGENTS = 1000
_GAP_SECONDS = COMMAND_EVENTS / EVENTS_PER_SECOND
_MIB = 2**20


def many_events(directory: Path, *, sizes: Sizes, say: Say) -> Iterator[BenchRow]:
    """Written and sealed, verified, replayed, each in a process of its own whose anonymous memory is watched.

    One agent for every thirty events: the projections of 100,000 agents are in the figures.
    """
    path, events = directory / "credits", sizes.memory_events
    agents = events // 30
    what = f"{events:,} events, {agents:,} agents"
    for step, arguments in (("write", (events, agents)), ("check", ()), ("replay", ())):
        started = time.perf_counter()
        with Child(step, path, *arguments) as child:
            child.start()
            most, found, *_ = child.answer()
        if found < events:
            raise RuntimeError(f"{step} found {found} of {events} events to be sound")
        seconds = time.perf_counter() - started
        say(f"{what}: {step} took {seconds:.0f} s, {most / _MIB:.0f} MiB")
        yield limit_row(f"{what}: {step}", unit="MiB", ours=most / _MIB, at_most=MEMORY_MIB_MAX)


def endure(directory: Path, *, minutes: float, say: Say) -> Iterator[BenchRow]:
    """So many minutes of the steady offer; then everything that was answered is looked for in the files."""
    path = directory / "credits"
    offer = _Offer(path, say)
    with Child("bare_offer", directory / "floor", 60 * minutes, _GAP_SECONDS, COMMAND_EVENTS) as bare:
        bare.start()
        offer.run(60 * minutes)
        floor_seconds = bare.answer()
    name, rate = f"{minutes:g} min", offer.acknowledged / offer.seconds
    yield BenchRow(name=f"{name}, rate", unit="events/s", ours=rate, target=0.999 * EVENTS_PER_SECOND)
    yield limit_row(
        f"{name}, latest answer",
        unit="ms",
        ours=offer.latest_seconds * 1e3,
        at_most=LATEST_MS_MAX,
        floor=floor_seconds * 1e3,
    )
    yield limit_row(
        f"{name}, memory growth", unit="MiB/min", ours=growth(offer.memory), at_most=GROWTH_MIB_PER_MINUTE_MAX
    )
    most = max(size for _, size in offer.memory)
    yield limit_row(f"{name}, most memory", unit="MiB", ours=most / _MIB, at_most=MEMORY_MIB_MAX)
    yield limit_row(f"{name}, lost", unit="events", ours=_lost(path, offer.acknowledged), at_most=0)


class _Offer:
    """Commands at fixed moments, and what was seen: ``memory`` as (seconds, bytes), once a second."""

    def __init__(self, path: Path, say: Say) -> None:
        self._journal = Journal.open(path=path, state=CreditState())
        self._journal.execute(command("agents", [created(number) for number in range(_AGENTS)]))
        self._say = say
        self.memory: list[tuple[float, int]] = []
        self.acknowledged = 0
        self.latest_seconds = self.seconds = 0.0

    def run(self, seconds: float) -> None:
        """Offer for so long, then close the journal."""
        starts = range(0, _AGENTS, COMMAND_EVENTS)
        drafts = [[consumed(start + number, _AGENTS) for number in range(COMMAND_EVENTS)] for start in starts]
        started = due = time.perf_counter()
        for number in range(round(seconds / _GAP_SECONDS)):
            if (early := due - time.perf_counter()) > 0:
                time.sleep(early)
            self._journal.execute(command(f"e-{number}", drafts[number % len(drafts)]))
            now = time.perf_counter()
            self.acknowledged += COMMAND_EVENTS
            self.latest_seconds = max(self.latest_seconds, now - due)
            due += _GAP_SECONDS
            if now - started >= len(self.memory):
                self._look(now - started)
        self.seconds = max(time.perf_counter(), due) - started
        self._journal.close()

    def _look(self, seconds: float) -> None:
        self.memory.append((seconds, rss_anon_bytes()))
        if len(self.memory) % 60 == 0:
            self._say(f"{len(self.memory) // 60} min: {self.acknowledged:,} events")


def growth(memory: Sequence[tuple[float, int]]) -> float:
    """MiB per minute between the middle third and the last third of (seconds, bytes): the first third warms up.

    Medians, because the tables of a segment come and go.
    """
    third = len(memory) // 3
    if not third:
        return 0.0
    middle, last = memory[third : 2 * third], memory[-third:]
    minutes = (median(at for at, _ in last) - median(at for at, _ in middle)) / 60
    return (median(size for _, size in last) - median(size for _, size in middle)) / _MIB / minutes


def _lost(path: Path, acknowledged: int) -> int:
    """Of the events that were answered, how many a verified reading does not find; all of them if it is not sound."""
    found = 0

    def take(event: Event) -> None:
        nonlocal found
        found += event.type == "credit.consumed"

    report = verify(path=path, take=take)
    return acknowledged - found if report.is_sound else acknowledged
