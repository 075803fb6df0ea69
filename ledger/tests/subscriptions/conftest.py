"""A journal to follow, a receiver that fails when it is told to, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ledger.engine import Event, Journal
from ledger.engine.env import OsEnv
from ledger.subscriptions import Retry, Subscriber
from ledger.tests.engine.counting import event, opened, record

NAME = "billing"
RETRY = Retry(attempts_max=3, first_seconds=1, cap_seconds=10)


class Pulse(OsEnv):
    """The real effects, but time stands still until the test lets it pass, and chance is always the same."""

    def __init__(self) -> None:
        super().__init__()
        self.micros = 1_000_000
        self.chance = "ffffffff"

    def steady_micros(self) -> int:
        """Since some moment."""
        return self.micros

    def random_hex(self, count: int) -> str:
        """Never a surprise."""
        return self.chance[: 2 * count]

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.micros += int(seconds * 1e6)


class Receiver:
    """What was delivered, in order; streams in `broken` fail."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.tried: list[int] = []
        self.broken: set[str] = set()

    def __call__(self, delivered: Event) -> None:
        """Take an event, or refuse it."""
        self.tried.append(delivered.seq)
        if delivered.stream in self.broken:
            raise ConnectionError(f"{delivered.stream} is not taken")
        self.seqs.append(delivered.seq)


class Post:
    """A journal with a subscription on it, opened anew as often as a test likes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal: Journal = opened(path, segment_bytes=4096)
        self.receiver = Receiver()
        self.pulse = Pulse()
        self._count = 0

    def record(self, *streams: str) -> list[int]:
        """One event for each of these streams; their numbers."""
        seqs = []
        for stream in streams:
            self._count += 1
            seqs.append(record(self.journal, f"k-{self._count}", event(f"agent:{stream}")).events[0].seq)
        return seqs

    def subscriber(self, **options: Any) -> AbstractContextManager[Subscriber]:
        """The subscription, as a process that starts takes it up."""
        chosen = {"name": NAME, "retry": RETRY, "env": self.pulse, "deliver": self.receiver, **options}
        return Subscriber.opened(journal=self.journal, path=self.path, **chosen)

    def deliver(self, **options: Any) -> Subscriber:
        """Take it up, do what there is to do now, and leave it."""
        with self.subscriber(**options) as subscriber:
            exhaust(subscriber)
        return subscriber

    def all_seqs(self, *streams: str) -> list[int]:
        """Every recorded event, or those of the streams."""
        wanted = {f"agent:{stream}" for stream in streams}
        return [one.seq for one in self.journal.read() if not wanted or one.stream in wanted]


def exhaust(subscriber: Subscriber) -> None:
    """Step until there is nothing to do now."""
    while subscriber.step():
        pass


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """An empty journal in small segments."""
    post = Post(tmp_path / "credits")
    yield post
    post.journal.close()
