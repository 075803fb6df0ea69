"""A process that works with the simulated journal, and the judge who looks at a disk afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ledger.engine import Command, Journal, NewEvent
from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import SimEnv
from ledger.simulation.promises import MOVED, Folded, Promises

HOME = Path("/disk/events/credits")
_PIECE = 4096


def moving(stream: str, amount: int, note: str = "") -> NewEvent:
    """One event of the simulated workloads."""
    return NewEvent(stream=stream, type=MOVED, data={"amount_micros": amount, "note": note})


def command(key: str, events: Sequence[NewEvent], *, expected: tuple[str, int] | None = None) -> Command:
    """A command that records ``events``, whatever the state."""
    return Command(
        key=key,
        fingerprint=hashlib.sha256(key.encode()).hexdigest()[:32],
        actor="user:1",
        correlation=f"mission:{key}",
        decide=lambda: events,
        expected=expected,
    )


class Client:
    """One process with the journal open. ``wrong`` collects answers that contradict each other."""

    def __init__(self, env: SimEnv, promises: Promises, *, segment_bytes: int, read_only: bool = False) -> None:
        self.env = env
        self.promises = promises
        self.state = Folded()
        self.wrong: list[str] = []
        self.journal = Journal.open(
            path=HOME, state=self.state, env=env, segment_bytes=segment_bytes, read_only=read_only
        )

    def execute(self, asked: Command) -> Exception | None:
        """Hand in a command and remember the answer; the answer here is the refusal, if it was one."""
        promises, key = self.promises, asked.key
        was_unknown = promises.ask(key)
        try:
            receipt = self.journal.execute(asked)
        except (LedgerError, OSError) as error:
            promises.refuse(key, error, was_unknown=was_unknown)
            return error
        if wrong := promises.keep(key, receipt):
            self.wrong.append(wrong)
        return None


def judge(disk: SimDisk, promises: Promises, *, segment_bytes: int, is_deep: bool = False) -> str:
    """What is wrong with the journal on a disk that everybody left, or nothing. It is opened, and so repaired.

    ``is_deep``: it must also go on writing, answer its keys, and open again without any repair.
    """
    try:
        client = Client(SimEnv(disk), promises, segment_bytes=segment_bytes)
    except (LedgerError, OSError) as error:
        return f"it does not open: {error!r}"
    status = client.journal.status
    if status.state != "normal":
        return f"it is {status.state}: {status.reason}"
    if status.warnings:
        return f"it warns: {status.warnings}"
    if broken := promises.broken(client.state):
        return broken
    if missing := [name for name in client.state.quarantined if disk.node(Layout(HOME).quarantine / name) is None]:
        return f"{missing[0]} is not in the quarantine"
    return _goes_on(client, disk, segment_bytes) if is_deep else ""


def _goes_on(client: Client, disk: SimDisk, segment_bytes: int) -> str:
    journal, promises = client.journal, client.promises
    if promises.acknowledged:
        key, (seq, _) = next(reversed(promises.acknowledged.items()))
        receipt = journal.execute(command(key, []))
        if not receipt.is_repeated or receipt.events[-1].seq != seq:
            return f"{key} is not answered by event {seq}"
    journal.execute(command("afterwards", [moving("agent:afterwards", 1)]))
    journal.close()
    again = Client(SimEnv(disk.after_kill()), promises, segment_bytes=segment_bytes)
    again.journal.close()
    known = client.state.hashes
    if again.state.hashes[: len(known)] != known or again.state.quarantined != client.state.quarantined:
        return "opening again changes it"
    return ""
