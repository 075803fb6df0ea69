"""The other processes of the bench: ``python -m ledger.bench.child WHAT ARGUMENTS``; each prints one JSON value."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from ledger.bench.stage import (
    FLOOR_BYTES,
    TYPICAL_BYTES,
    command,
    consumed,
    created,
    filled,
    in_threads,
    rss_anon_bytes,
)
from ledger.credits.state import CreditState
from ledger.engine import Event, Journal
from ledger.proof.verification import verify
from ledger.subscriptions import Subscriber

_COMMAND_EVENTS = 1000


class Child:
    """A process of this module. It is ready once it is entered, works at each ``start``, and ends when it is left."""

    def __init__(self, what: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ledger.bench.child", what, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Child:
        self._line()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self) -> None:
        """The word it waits for."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What came of the work. RuntimeError if it broke off."""
        return orjson.loads(self._line())

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the bench ended with {self._process.wait()}")
        return line


def _words() -> Iterator[None]:
    """Once for each word of the parent, until it leaves."""
    _say("ready")
    for _ in sys.stdin.buffer:
        yield


def _say(answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def append(path: str, prefix: str, threads: str, seconds: str) -> None:
    """Commands per second of so many threads of this process."""
    journal = Journal.open(path=Path(path), state=CreditState())
    counts = [0] * int(threads)

    def write(thread: int) -> None:
        while time.perf_counter() < end:
            journal.execute(command(f"{prefix}-{thread}-{counts[thread]}", [consumed(counts[thread])]))
            counts[thread] += 1

    for _ in _words():
        before, end = sum(counts), time.perf_counter() + float(seconds)
        in_threads(len(counts), write)
        _say((sum(counts) - before) / float(seconds))
    journal.close()


def follow(path: str, after: str, count: str) -> None:
    """(seq, monotonic nanoseconds) of the delivery of so many events to a subscriber."""
    journal = Journal.open(path=Path(path), state=CreditState(), read_only=True)
    got: list[tuple[int, int]] = []

    def deliver(event: Event) -> None:
        got.append((event.seq, time.monotonic_ns()))
        if len(got) == int(count):
            subscriber.stop()

    with Subscriber.opened(
        journal=journal, path=Path(path), name="bench", deliver=deliver, after=int(after)
    ) as subscriber:
        for _ in _words():
            subscriber.run()
            _say(got)
    journal.close()


def write(path: str, events: str, agents: str) -> None:
    """The most anonymous memory while a journal of so many events for so many agents is written and sealed."""
    for _ in _words():
        most = _Most()
        journal = Journal.open(path=Path(path), state=CreditState())
        for start in range(0, int(agents), _COMMAND_EVENTS):
            stop = min(start + _COMMAND_EVENTS, int(agents))
            journal.execute(command(f"agents-{start}", [created(number) for number in range(start, stop)]))
        for start in range(0, int(events) - int(agents), _COMMAND_EVENTS):
            drafts = [consumed(number, int(agents)) for number in range(start, start + _COMMAND_EVENTS)]
            journal.execute(command(f"w-{start}", drafts))
            most.look()
        journal.seal()
        journal.close()
        _say([most.look(), int(events)])


def check(path: str) -> None:
    """The most anonymous memory, and the events, of a verification that finds the journal sound."""
    most = _Most()
    for _ in _words():
        report = verify(path=Path(path), progress=lambda done, total: most.rarely())
        _say([most.look(), report.events if report.is_sound else 0])


def replay(path: str) -> None:
    """The most anonymous memory while a journal is folded into its projections, the events, and how much the memory
    grew behind the first tenth, by when every agent exists."""
    most, state = _Most(), CreditState()
    begun = 0

    def told(done: int, total: int) -> None:
        nonlocal begun
        most.rarely()
        if not begun and done > total // 10:
            begun = rss_anon_bytes()

    for _ in _words():
        report = verify(path=Path(path), take=state.apply, progress=told)
        _say([most.look(), report.events, max(most.bytes - begun, 0)])


def bare_offer(path: str, seconds: str, gap_seconds: str, events: str) -> None:
    """The latest of bare writes and fdatasyncs that are due at fixed moments, in seconds after its moment."""
    content = b"x" * TYPICAL_BYTES * int(events)
    fd = filled(Path(path))
    for _ in _words():
        latest, due = 0.0, time.perf_counter()
        for number in range(round(float(seconds) / float(gap_seconds))):
            time.sleep(max(0, due - time.perf_counter()))
            os.pwrite(fd, content, number * len(content) % (FLOOR_BYTES - len(content)))
            os.fdatasync(fd)
            latest = max(latest, time.perf_counter() - due)
            due += float(gap_seconds)
        _say(latest)
    os.close(fd)


class _Most:
    """The highest figure seen."""

    def __init__(self) -> None:
        self.bytes = self._count = 0

    def look(self) -> int:
        self.bytes = max(self.bytes, rss_anon_bytes())
        return self.bytes

    def rarely(self) -> None:
        """Each hundredth time: a look costs more than what is looked at."""
        self._count += 1
        if self._count % 100 == 0:
            self.look()


WORK: dict[str, Callable[..., None]] = {one.__name__: one for one in (append, follow, write, check, replay, bare_offer)}


if __name__ == "__main__":
    WORK[sys.argv[1]](*sys.argv[2:])
