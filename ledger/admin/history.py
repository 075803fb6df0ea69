"""The history of one account: the movements behind its balance, page by page, and the balance as a line over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ledger import Event, Ledger
from ledger.admin.filters import EVENTS_PER_PAGE
from ledger.admin.reading import EVENTS_SCANNED_MAX, EventLine
from ledger.credits.accounts import AGENT_PREFIX
from ledger.credits.invariant_fold import recorded_balance
from ledger.credits.movements import MOVEMENT_TYPES

MOVEMENTS_DRAWN_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """One movement of an account: signed amount, and the balance after it."""

    line: EventLine
    change_micros: int
    balance_micros: int
    other: str


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The movements of an account up to an event, newest first.

    `lines` are those of the page, `drawn` those and further older ones for the chart. `older` is the cursor of the next
    page. `is_from_start`: nothing was moved before the last of `drawn`; then `is_complete` says that all add up to the
    balance. `scanned_to`: where looking stopped, if not at the beginning.
    """

    account: str
    balance_micros: int
    lines: tuple[HistoryLine, ...]
    drawn: tuple[HistoryLine, ...]
    older: int | None
    is_from_start: bool
    is_complete: bool
    scanned_to: int | None


def history_of(*, ledger: Ledger, account: str, balance_micros: int, until: int | None) -> History:
    """The movements with seq <= `until` (None: the newest), and the balance after each.

    For an agent each event says it, so that a page costs the same wherever it lies; for a system account the newer
    movements are read too, and taken off the present balance.
    """
    head = ledger.head.seq
    last = head if until is None else min(until, head)
    is_recorded = account.startswith(AGENT_PREFIX)
    first = max(last - EVENTS_SCANNED_MAX, 0)
    running = 0 if is_recorded and until is not None else balance_micros
    found: list[HistoryLine] = []
    for event, change, other in _movements(ledger, account, first=first, last=last if is_recorded else head):
        if is_recorded and until is not None and not found:
            running = int(recorded_balance(event, account))
        if event.seq <= last:
            if len(found) == MOVEMENTS_DRAWN_MAX:
                break
            found.append(
                HistoryLine(line=EventLine(event=event), change_micros=change, balance_micros=running, other=other)
            )
        running -= change
    else:
        is_from_start = first == 0
        return _history(account, balance_micros, found, first=first, is_from_start=is_from_start, rest=running)
    return _history(account, balance_micros, found, first=first, is_from_start=False, rest=running)


def _history(
    account: str, balance: int, found: list[HistoryLine], *, first: int, is_from_start: bool, rest: int
) -> History:
    is_last_page = len(found) <= EVENTS_PER_PAGE and is_from_start
    is_cut = len(found) <= EVENTS_PER_PAGE and not is_from_start
    lines = tuple(found[:EVENTS_PER_PAGE])
    return History(
        account=account,
        balance_micros=balance,
        lines=lines,
        drawn=tuple(found),
        older=None if is_last_page else first if is_cut else lines[-1].line.event.seq - 1,
        is_from_start=is_from_start,
        is_complete=is_from_start and rest == 0,
        scanned_to=first if is_cut else None,
    )


def _movements(ledger: Ledger, account: str, *, first: int, last: int) -> Iterator[tuple[Event, int, str]]:
    """The movements that touch the account, newest first, with signed amount and the other account."""
    events = ledger.events(after=first, until=last, types=MOVEMENT_TYPES, mentions=account, descending=True)
    for event in events:
        data: dict[str, Any] = event.data
        if data.get("to_account") == account:
            yield event, int(data["amount_micros"]), str(data["from_account"])
        elif data.get("from_account") == account:
            yield event, -int(data["amount_micros"]), str(data["to_account"])
