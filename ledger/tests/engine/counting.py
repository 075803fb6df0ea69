"""A small state for the tests: how often and by how much each stream was touched, with a digest."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ledger.engine import Command, Event, Journal, NewEvent, Receipt
from ledger.engine.canonical import digest_of
from ledger.engine.env import Env


class Counting:
    """Sums of ``amount_micros`` by stream over the tests' own events; engine records do not count."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.applied: list[int] = []

    def apply(self, event: Event) -> None:
        self.applied.append(event.seq)
        if event.type == "credit.consumed":
            self.sums[event.stream] = self.sums.get(event.stream, 0) + event.data["amount_micros"]

    def reset(self) -> None:
        self.sums.clear()
        self.applied.clear()

    def digest(self) -> str:
        return digest_of(self.sums)


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def event(stream: str = "agent:a", amount: int = 1, note: str = "") -> NewEvent:
    return NewEvent(stream=stream, type="credit.consumed", data={"amount_micros": amount, "note": note})


def command(
    key: str, events: Sequence[NewEvent] | None = None, *, expected: tuple[str, int] | None = None, content: str = ""
) -> Command:
    """A command that records ``events`` (one by default), whatever the state."""
    drafts = [event()] if events is None else list(events)
    return Command(
        key=key,
        fingerprint=fingerprint(content or key),
        actor="user:1",
        correlation="mission:1",
        decide=lambda: drafts,
        expected=expected,
    )


def record(journal: Journal, key: str, *events: NewEvent) -> Receipt:
    return journal.execute(command(key, events or None))


def opened(path: Path, *, env: Env | None = None, segment_bytes: int = 2**20, read_only: bool = False) -> Journal:
    """A journal with a fresh counting state."""
    return Journal.open(path=path, state=Counting(), env=env, segment_bytes=segment_bytes, read_only=read_only)
