"""Pages of what the ledger recorded: every line once, in order, however pages are cut and whatever comes meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ledger import ApprovalState, UnknownAgent, commands
from ledger.credits import pages
from ledger.tests.credits.orders import CREDIT, Desk

LATER = "2999-01-01T00:00:00.000000Z"
NOW = "2026-01-01T00:00:00.000000Z"


def all_movements(desk: Desk, agent: str, *, limit: int) -> list[pages.Movement]:
    """Every movement, page by page."""
    found: list[pages.Movement] = []
    until: int | None = None
    while True:
        page = pages.movements(desk.ledger, agent=agent, until=until, limit=limit)
        found += page.lines
        if page.next is None:
            return found
        until = page.next


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Ann and Bob, who spend, pay each other and are rewarded."""
    desk.open_account("ann")
    desk.open_account("bob")
    for number in range(6):
        desk.consume("ann", 1 + number)
        desk.order(commands.Transfer(payer="bob", payee="ann", amount_micros=CREDIT, reason="agent:ann"))
        desk.order(commands.Refund(agent="bob", amount_micros=CREDIT, reason="agent:ann"))
    desk.order(
        commands.RecordCollaboration(
            collaboration="c", agents=("ann", "bob"), mission="m", contributions_ppm=(500_000, 500_000)
        )
    )
    return desk


@pytest.mark.parametrize("scanned", [7, 100_000])
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_the_pages_of_a_history_hold_every_movement_once_with_the_balance_after_it(
    busy: Desk, limit: int, scanned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those in which the agent was paid, and no others, though a reason names the account."""
    monkeypatch.setattr(pages, "EVENTS_SCANNED_MAX", scanned)

    found = all_movements(busy, "ann", limit=limit)

    assert len(found) == 1 + 6 + 6 + 1
    assert [line.event.seq for line in found] == sorted((line.event.seq for line in found), reverse=True)
    assert found[0].balance_micros == busy.ledger.balance("ann")
    for newer, older in pairwise(found):
        assert newer.balance_micros - newer.change_micros == older.balance_micros
    assert found[-1].balance_micros == found[-1].change_micros
    assert {line.other_account for line in found} == {
        "system:issuance",
        "system:consumption",
        "agent:bob",
        "system:reward",
    }


def test_a_page_scans_a_bounded_stretch_and_says_where_it_goes_on(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is rare keeps nobody waiting."""
    monkeypatch.setattr(pages, "EVENTS_SCANNED_MAX", 5)
    busy.open_account("new")
    head = busy.ledger.head.seq

    newest = pages.movements(busy.ledger, agent="new", until=None, limit=10)
    older = pages.movements(busy.ledger, agent="new", until=newest.next, limit=10)

    assert ([line.event.seq for line in newest.lines], newest.next) == ([head], head - 5)
    assert (older.lines, older.next) == ((), head - 10)


def test_movements_that_come_meanwhile_move_no_line_to_another_page(busy: Desk) -> None:
    """The cursor is a sequence number."""
    first = pages.movements(busy.ledger, agent="ann", until=None, limit=3)
    before = pages.movements(busy.ledger, agent="ann", until=first.next, limit=3)
    busy.consume("ann", 1)

    assert pages.movements(busy.ledger, agent="ann", until=first.next, limit=3) == before


@pytest.mark.parametrize("name", ["nobody", "system:reward", "agent:ann", ""])
def test_a_history_of_nobody_is_refused(busy: Desk, name: str) -> None:
    """Neither system accounts nor other spellings."""
    with pytest.raises(UnknownAgent):
        pages.movements(busy.ledger, agent=name, until=None, limit=1)


def test_agents_come_in_the_order_of_their_creation(desk: Desk) -> None:
    """One more comes at the end, wherever the reader is."""
    names = [desk.open_account(name) for name in ("zoe", "ann", "agent:ann")]
    first = pages.agents(desk.ledger, start=0, limit=2)
    names.append(desk.open_account("bob"))
    second = pages.agents(desk.ledger, start=first.next or 0, limit=2)

    assert [one.agent for one in (*first.lines, *second.lines)] == names
    assert (first.next, second.next) == (2, None)
    assert desk.ledger.agent("ann").balance_micros == 1000 * CREDIT


def test_approvals_come_newest_first_with_the_state_of_now(desk: Desk) -> None:
    """Who decided or was too late shows at once."""
    for name, risk in (("a", "MEDIUM"), ("b", "LOW"), ("c", "HIGH")):
        desk.order(
            commands.RequestApproval(
                request=name, action_type="adjust", risk_level=risk, context="why", requester="user:1"
            )
        )

    def states(state: ApprovalState | None, now: str) -> list[tuple[str, str]]:
        page = pages.approvals(desk.ledger, state=state, now=now, until=None, limit=9)
        return [(line.event.data["request"], line.state.value) for line in page.lines]

    assert states(None, NOW) == [("c", "pending"), ("b", "approved"), ("a", "pending")]
    assert states(ApprovalState.PENDING, NOW) == [("c", "pending"), ("a", "pending")]
    assert states(ApprovalState.PENDING, LATER) == []
    assert states(ApprovalState.EXPIRED, LATER) == [("c", "expired"), ("a", "expired")]


def test_pages_of_approvals_hold_every_request_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with other events between them, beyond what a page scans."""
    monkeypatch.setattr(pages, "EVENTS_SCANNED_MAX", 3)
    desk.open_account("ann")
    for number in range(5):
        desk.order(
            commands.RequestApproval(
                request=f"r-{number}", action_type="adjust", risk_level="LOW", context="why", requester="user:1"
            )
        )
        desk.consume("ann", 1)
    found, until = [], None
    while True:
        page = pages.approvals(desk.ledger, state=None, now=NOW, until=until, limit=1)
        found += [line.event.data["request"] for line in page.lines]
        if page.next is None:
            break
        until = page.next

    assert found == ["r-4", "r-3", "r-2", "r-1", "r-0"]
