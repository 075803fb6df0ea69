"""The ledger as it was: balances and approvals behind any event of the past, folded from the events themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ledger.credits.readings import Readings
from ledger.credits.state import CreditState
from ledger.engine.env import Env
from ledger.engine.errors import UnknownSeq
from ledger.engine.event import Event
from ledger.engine.journal import Journal
from ledger.engine.layout import Layout
from ledger.engine.snapshot import restore_newest

T = TypeVar("T")


class PastLedger(Readings):
    """Everything that can be asked about credits, as the answer was behind event `last`. It never changes again."""

    def __init__(self, *, journal: Journal, state: CreditState, last: Event) -> None:
        super().__init__(state)
        self._journal = journal
        self.last = last

    @classmethod
    def of(cls, journal: Journal, *, path: Path, env: Env, seq: int) -> PastLedger:
        """Fold up to `seq`. Snapshots that are not valid are passed over. Raises UnknownSeq, Corrupt, OSError."""
        head = journal.head.seq
        if not 1 <= seq <= head:
            raise UnknownSeq(seq=seq, head=head)
        state = CreditState()
        place = restore_newest(env, Layout(path.absolute()), state, until=seq, say=lambda _: None)
        for event in journal.read(after=place.seq if place is not None else 0, until=seq):
            state.apply(event)
        return cls(journal=journal, state=state, last=journal.get(seq=seq))

    def events(self, *, until: int | None = None, **filters: Any) -> Iterator[Event]:
        """Recorded events up to this one, filtered as `Journal.read` does it, in constant memory."""
        last = self.last.seq if until is None else min(until, self.last.seq)
        return map(self.current, self._journal.read(until=last, **filters))

    def _events_of(self, stream: str, *, seq: int | None) -> Iterator[Event]:
        return self.events(stream=stream, after=seq - 1 if seq is not None else 0)

    def _query(self, read: Callable[[], T]) -> T:
        return read()
