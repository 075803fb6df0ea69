"""Opening a journal with and without its snapshots, and seeing what was folded."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, NamedTuple

from ledger import Answer, Event, commands
from ledger.credits.state import CreditState
from ledger.engine import Head, Journal
from ledger.tests.credits.orders import Desk

SNAPSHOTS = 3


class LaterDesk(Desk):
    """A desk on a journal that has orders already: the keys it gives are new ones."""

    def order(self, command: commands.CreditCommand, *, key: str | None = None, **more: Any) -> Answer:
        return super().order(command, key=key or secrets.token_hex(8), **more)


class Watched(CreditState):
    """The shipped state, which remembers the first event it was given since it was last empty."""

    def reset(self) -> None:
        super().reset()
        self.first_applied: int | None = None

    def apply(self, event: Event) -> None:
        if self.first_applied is None:
            self.first_applied = event.seq
        super().apply(event)


class Opened(NamedTuple):
    """What an opening came to; `began_behind` is the event whose snapshot it began with, 0 for none."""

    began_behind: int
    digest: str
    head: Head
    state: str
    reason: str
    warnings: tuple[str, ...]


def reopened(path: Path, *, from_snapshot: bool = True, read_only: bool = False) -> Opened:
    """Open, look, close; with snapshots as who says nothing of them."""
    state = Watched()
    said: dict[str, Any] = {} if from_snapshot else {"from_snapshot": False}
    journal = Journal.open(path=path, state=state, read_only=read_only, **said)
    status = journal.status
    digest = journal.query(state.digest)
    journal.close()
    began_behind = (state.first_applied or status.head.seq + 1) - 1
    return Opened(began_behind, digest, status.head, status.state, status.reason, status.warnings)


def snapshot_files(path: Path) -> list[Path]:
    """The snapshots of a journal, the oldest first."""
    return sorted((path / "snapshots").glob("*.json"))


def seq_of(snapshot: Path) -> int:
    """The event behind which it stands."""
    return int(snapshot.stem)
