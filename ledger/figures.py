"""The live ledger in figures, for `/api/credits/info` and `metrics` and for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

from ledger import ApprovalState, EocReading
from ledger.actions import live_ledger
from ledger.conf import live_journal
from ledger.credits.accounts import SYSTEM_ACCOUNTS
from ledger.engine.event import Head
from ledger.engine.layout import Layout

AGENTS = "agents"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One look at the live ledger. `balances_micros`: every system account, and all agents together under `agents`.

    `bytes` is what the segments take on the disk; `last_event_at` a time as it stands in the record.
    """

    journal_id: str
    head: Head
    last_event_at: str
    segments: int
    bytes: int
    agents: int
    balances_micros: dict[str, int]
    pending_approvals: int
    open_breakers: int
    eoc: EocReading

    @property
    def sum_micros(self) -> int:
        """Everything that was ever moved, added up: 0, or the ledger lies."""
        return sum(self.balances_micros.values())


def live_figures() -> Figures:
    """Read them. Costs a walk over the accounts; raises what opening and reading a journal raises."""
    ledger = live_ledger()
    status = ledger.status
    head = ledger.head
    accounts = ledger.accounts()
    balances = {name: accounts.pop(name) for name in SYSTEM_ACCOUNTS}
    return Figures(
        journal_id=status.journal_id,
        head=head,
        last_event_at=ledger.journal.get(seq=head.seq).time,
        segments=status.segments,
        bytes=sum(file.stat().st_blocks * 512 for file in Layout(live_journal()).segments.iterdir()),
        agents=len(accounts),
        balances_micros=balances | {AGENTS: sum(accounts.values())},
        pending_approvals=sum(1 for _ in ledger.approvals(state=ApprovalState.PENDING)),
        open_breakers=len(ledger.open_breakers()),
        eoc=ledger.eoc(),
    )
