"""A process that works with the simulated journal, and the judge who looks at a disk afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ledger.engine import Command, Journal, NewEvent
from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout
from ledger.engine.seal import manifest_lines
from ledger.engine.snapshot import sealed_place, write_snapshot
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

    def __init__(
        self,
        env: SimEnv,
        promises: Promises,
        *,
        segment_bytes: int,
        read_only: bool = False,
        from_snapshot: bool = True,
    ) -> None:
        self.env = env
        self.promises = promises
        self.state = Folded()
        self.wrong: list[str] = []
        self.journal = Journal.open(
            path=HOME,
            state=self.state,
            env=env,
            segment_bytes=segment_bytes,
            read_only=read_only,
            from_snapshot=from_snapshot,
        )

    def execute(self, asked: Command) -> Exception | None:
        """Hand in a command and remember the answer; the answer here is the refusal, if it was one."""
        promises, key = self.promises, asked.key
        asked_at, was_known = promises.ask(key), key in promises.acknowledged
        try:
            receipt = self.journal.execute(asked)
        except LedgerError as error:
            if wrong := promises.refuse(key, error, was_known=was_known):
                self.wrong.append(wrong)
            return error
        except Exception as error:
            self.wrong.append(f"{key} is answered by {error!r}")
            raise
        if wrong := promises.keep(key, receipt, asked_at=asked_at):
            self.wrong.append(wrong)
        if asked.expected is not None and not receipt.is_repeated:
            version = receipt.events[0].version
            if version != asked.expected[1] + 1:
                self.wrong.append(f"{key} expected version {asked.expected[1]} and became {version}")
        return None

    def look(self) -> None:
        """See the head, which from now on must last. Raises as ``Journal.head``."""
        self.promises.show(self.journal.head)

    def snapshot(self) -> None:
        """Seal and take a snapshot there, unless somebody records something meanwhile. Raises what these raise."""
        self.journal.seal()
        layout = Layout(HOME)
        last = max((line["last"] for line in manifest_lines(self.env, layout)), default=0)
        state = self.journal.query(lambda: self.state.behind(last) if len(self.state.hashes) == last + 1 else None)
        if last and state is not None:
            try:
                place, _ = sealed_place(self.env, layout, last)
            except ValueError:  # the files of a segment could not be made, and are made when somebody opens the journal
                return
            write_snapshot(self.env, layout, state, place)


def judge(
    disk: SimDisk, promises: Promises, *, segment_bytes: int, is_deep: bool = False, has_failed_sync: bool = False
) -> str:
    """What is wrong with the journal on a disk that everybody left, or nothing. It is opened, and so repaired.

    ``is_deep``: it must also go on writing, answer its keys, open again without any repair, and come to the same
    without its snapshots. ``has_failed_sync``: it may have to be recovered first, and snapshots may prove nothing.
    """
    try:
        client = Client(SimEnv(disk), promises, segment_bytes=segment_bytes)
        if has_failed_sync and client.journal.status.state == "poisoned":
            client.journal.recover(reason="simulated", actor="user:1")
    except (LedgerError, OSError) as error:
        return f"it does not open: {error!r}"
    status = client.journal.status
    if status.state != "normal":
        return f"it is {status.state}: {status.reason}"
    if status.warnings and not has_failed_sync:
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
    again = Client(SimEnv(disk.after_kill()), promises, segment_bytes=segment_bytes, from_snapshot=False)
    again.journal.close()
    known = client.state.hashes
    if again.state.hashes[: len(known)] != known or again.state.quarantined != client.state.quarantined:
        return "opening again changes it"
    return ""
