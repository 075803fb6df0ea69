"""What the ledger recorded, page by page, for readers that come back with a cursor.

A page scans a bounded stretch of the journal, so that no question, however rare what it looks for, keeps the others
waiting. A page that found little and has a cursor is therefore not the last one. Cursors are sequence numbers: nothing
that is recorded meanwhile moves a line to another page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from ledger.credits.accounts import Agent, account_of
from ledger.credits.approvals import ApprovalState
from ledger.credits.invariant_fold import recorded_balance
from ledger.credits.ledger import Ledger
from ledger.credits.movements import MOVEMENT_TYPES
from ledger.engine.event import Event

EVENTS_SCANNED_MAX = 100_000

Line = TypeVar("Line")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[Line]):
    """`next` is the cursor of the following page, None on the last."""

    lines: tuple[Line, ...]
    next: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """One movement of an account: the signed change, the balance after it, and the account on the other side."""

    event: Event
    change_micros: int
    balance_micros: int
    other_account: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request for approval as a list shows it, with its state of now."""

    event: Event
    state: ApprovalState


def agents(ledger: Ledger, *, start: int, limit: int) -> Page[Agent]:
    """Agents in the order in which they were created; agents never go away, so their count is the cursor."""
    found = ledger.agents_from(start, limit=limit + 1)
    return Page(lines=found[:limit], next=start + limit if len(found) > limit else None)


def movements(ledger: Ledger, *, agent: str, until: int | None, limit: int) -> Page[Movement]:
    """The movements of an agent with seq <= `until`, newest first; `until` None begins at the newest. UnknownAgent."""
    ledger.agent(agent)
    last = ledger.head.seq if until is None else until
    first = max(last - EVENTS_SCANNED_MAX, 0)
    found = list(islice(_movements(ledger, account_of(agent), first, last), limit + 1))
    return Page(lines=tuple(found[:limit]), next=_cursor([line.event for line in found], limit, first))


def approvals(ledger: Ledger, *, state: ApprovalState | None, now: str, until: int | None, limit: int) -> Page[Asked]:
    """Requests for approval, newest first, all or those in one state. Overdue ones count as expired from `now` on.

    `now` is a time as it stands in records.
    """
    last = ledger.head.seq if until is None else until
    first = max(last - EVENTS_SCANNED_MAX, 0)
    found = list(islice(_asked(ledger, state, now, first, last), limit + 1))
    return Page(lines=tuple(found[:limit]), next=_cursor([line.event for line in found], limit, first))


def state_at(state: ApprovalState, *, expires_at: str, now: str) -> ApprovalState:
    """The state as it is at `now`: what is overdue is expired, whether or not the journal says so yet."""
    return ApprovalState.EXPIRED if state is ApprovalState.PENDING and expires_at < now else state


def _movements(ledger: Ledger, account: str, first: int, last: int) -> Iterator[Movement]:
    for event in ledger.events(after=first, until=last, types=MOVEMENT_TYPES, mentions=account, descending=True):
        data = event.data
        is_paid = data["from_account"] == account
        if not is_paid and data["to_account"] != account:
            continue  # another agent's movement, whose reason happens to be this name
        amount = int(data["amount_micros"])
        yield Movement(
            event=event,
            change_micros=-amount if is_paid else amount,
            balance_micros=recorded_balance(event, account),
            other_account=data["to_account"] if is_paid else data["from_account"],
        )


def _asked(ledger: Ledger, wanted: ApprovalState | None, now: str, first: int, last: int) -> Iterator[Asked]:
    for event in ledger.events(after=first, until=last, types=["approval.requested"], descending=True):
        known = ledger.approval_state(event.data["request"])
        assert known is not None, "what is recorded is in the state"
        state = state_at(known, expires_at=event.data["expires_at"], now=now)
        if wanted is None or state is wanted:
            yield Asked(event=event, state=state)


def _cursor(found: list[Event], limit: int, first: int) -> int | None:
    """The first line that did not fit, else the rest of the journal below the stretch that was scanned."""
    if len(found) > limit:
        return found[limit].seq
    return first or None
