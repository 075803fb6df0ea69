"""Approvals: as many people as the risk asks for, never oneself, decided once, in time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ledger import AlreadyDecided, Answer, ApprovalState, Rejected, commands
from ledger.credits import errors
from ledger.tests.credits.orders import CREDIT, Desk

WHY = "it is needed for the release"


def request(desk: Desk, risk_level: str, name: str = "r-1") -> Answer:
    """Ann asks."""
    return desk.order(
        commands.RequestApproval(
            request=name,
            action_type="spend",
            risk_level=risk_level,
            context="500 credits for mission 9",
            requester="ann",
            amount_micros=500 * CREDIT,
        )
    )


def decide(desk: Desk, approver: str, *, is_approval: bool = True, why: str = WHY, name: str = "r-1") -> Answer:
    """Somebody decides."""
    return desk.order(
        commands.DecideApproval(request=name, approver=approver, is_approval=is_approval, justification=why)
    )


def test_low_risk_is_approved_at_once(desk: Desk) -> None:
    """Nobody is asked; the journal says so."""
    answer = request(desk, "LOW")

    assert answer.approval_state == "approved"
    assert desk.types() == ["approval.requested", "approval.approved"]
    assert desk.ledger.approval("r-1").decided_by == "system:policy"


@pytest.mark.parametrize("risk_level", ["MEDIUM", "HIGH"])
def test_one_approval_decides_medium_and_high(desk: Desk, risk_level: str) -> None:
    """It stays pending until then."""
    assert request(desk, risk_level).approval_state == "pending"

    assert decide(desk, "bob").approval_state == "approved"

    approval = desk.ledger.approval("r-1")
    assert (approval.state, approval.decided_by, approval.reason) == (ApprovalState.APPROVED, "bob", WHY)
    assert approval.amount_micros == 500 * CREDIT


def test_critical_risk_takes_two_different_people(desk: Desk) -> None:
    """The same person twice is one person."""
    request(desk, "CRITICAL")

    assert decide(desk, "bob").approval_state == "pending"
    with desk.assert_refused(errors.AlreadyApproved):
        decide(desk, "bob")
    assert desk.ledger.approval("r-1").approvers == ("bob",)
    assert decide(desk, "cat").approval_state == "approved"

    assert desk.ledger.approval("r-1").approvers == ("bob", "cat")


@pytest.mark.parametrize("risk_level", ["HIGH", "CRITICAL"])
def test_grave_approvals_need_a_justification(desk: Desk, risk_level: str) -> None:
    """Ten characters of it."""
    request(desk, risk_level)

    for why in ("", "ok", " 123456789 "):
        with desk.assert_refused(Rejected):
            decide(desk, "bob", why=why)

    assert desk.ledger.approval("r-1").state is ApprovalState.PENDING


def test_a_medium_approval_needs_no_words(desk: Desk) -> None:
    """A plain yes is enough."""
    request(desk, "MEDIUM")

    assert decide(desk, "bob", why="").approval_state == "approved"


def test_one_rejection_ends_a_request_and_says_why(desk: Desk) -> None:
    """Even where two approvals would be needed."""
    request(desk, "CRITICAL")
    decide(desk, "bob")

    with desk.assert_refused(errors.ReasonTooShort):
        decide(desk, "cat", is_approval=False, why="no")
    answer = decide(desk, "cat", is_approval=False, why="the budget is spent")

    assert answer.approval_state == "rejected"
    assert desk.ledger.approval("r-1").reason == "the budget is spent"


@pytest.mark.parametrize("is_approval", [True, False])
def test_nobody_decides_the_own_request(desk: Desk, is_approval: bool) -> None:
    """Neither yes nor no; the requester cancels."""
    request(desk, "MEDIUM")

    with desk.assert_refused(errors.SelfApproval):
        decide(desk, "ann", is_approval=is_approval)


def test_only_the_requester_cancels(desk: Desk) -> None:
    """And only once."""
    request(desk, "HIGH")
    with desk.assert_refused(errors.NotRequester):
        desk.order(commands.CancelApproval(request="r-1", by="bob", reason="not wanted"))

    answer = desk.order(commands.CancelApproval(request="r-1", by="ann", reason="not wanted"))

    assert answer.approval_state == "cancelled"
    assert desk.ledger.approval("r-1").decided_by == "ann"
    with desk.assert_refused(AlreadyDecided):
        desk.order(commands.CancelApproval(request="r-1", by="ann", reason="not wanted"))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_a_decided_request_stays_as_it_was_decided(desk: Desk, first: bool, second: bool) -> None:
    """The refusal is called already_decided and names the state."""
    request(desk, "MEDIUM")
    decide(desk, "bob", is_approval=first)

    with desk.assert_refused(AlreadyDecided):
        decide(desk, "cat", is_approval=second)

    assert AlreadyDecided.code == "already_decided"
    assert desk.ledger.approval("r-1").state == ("approved" if first else "rejected")


def test_a_repeated_decision_gets_its_first_answer(desk: Desk) -> None:
    """A retry with the same key is no second decision."""
    request(desk, "MEDIUM")
    order = commands.DecideApproval(request="r-1", approver="bob", is_approval=True)
    desk.order(order, key="decision")

    again = desk.order(order, key="decision")

    assert (again.is_repeated, again.approval_state) == (True, "approved")


@pytest.mark.parametrize(("risk_level", "hours"), [("MEDIUM", 24), ("HIGH", 48), ("CRITICAL", 72)])
def test_after_its_hours_a_request_can_only_expire(desk: Desk, risk_level: str, hours: int) -> None:
    """Before them it cannot expire."""
    request(desk, risk_level)
    desk.clock.pass_hours(hours - 1)
    with desk.assert_refused(errors.NotYetDue):
        desk.order(commands.ExpireApproval(request="r-1"))
    desk.clock.pass_hours(2)

    with desk.assert_refused(errors.ApprovalOverdue):
        decide(desk, "bob")
    answer = desk.order(commands.ExpireApproval(request="r-1"))

    assert answer.approval_state == "expired"
    with desk.assert_refused(AlreadyDecided):
        decide(desk, "bob")


def test_a_request_is_made_once(desk: Desk) -> None:
    """Neither while it is open nor after it is decided may its name be used again."""
    request(desk, "MEDIUM")
    with desk.assert_refused(errors.ApprovalExists):
        request(desk, "MEDIUM")
    decide(desk, "bob")
    with desk.assert_refused(errors.ApprovalExists):
        request(desk, "LOW")


def test_a_request_nobody_made_cannot_be_decided(desk: Desk) -> None:
    """Its name is named."""
    with desk.assert_refused(errors.UnknownApproval):
        decide(desk, "bob")


@pytest.mark.parametrize("risk_level", ["low", "SEVERE", "", None])
def test_an_unknown_risk_level_is_refused(desk: Desk, risk_level: object) -> None:
    """The four are named."""
    with desk.assert_refused(errors.InvalidChoice):
        request(desk, risk_level)  # type: ignore[arg-type]


def test_of_ten_people_deciding_at_once_one_decides(desk: Desk) -> None:
    """Ten threads, yes and no in turn: one effect, nine are told that it is already decided."""
    request(desk, "MEDIUM")
    outcomes: list[str] = []
    gate = threading.Barrier(10)

    def vote(number: int) -> None:
        gate.wait()
        try:
            outcomes.append(str(decide(desk, f"person-{number}", is_approval=number % 2 == 0).approval_state))
        except AlreadyDecided as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=vote, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("already_decided") == 9
    assert len(desk.types()) == 2


def test_requests_are_listed_by_state(desk: Desk) -> None:
    """All of them, or those in one state, in the order in which they were made."""
    for name in ("a", "b", "c"):
        request(desk, "MEDIUM", name)
    decide(desk, "bob", name="b")

    assert [item.request for item in desk.ledger.approvals()] == ["a", "b", "c"]
    assert [item.request for item in desk.ledger.approvals(state=ApprovalState.PENDING)] == ["a", "c"]
    assert [item.request for item in desk.ledger.approvals(state=ApprovalState.APPROVED)] == ["b"]


def test_a_decided_request_is_read_from_the_end_of_the_journal_and_once(tmp_path: Path) -> None:
    """Neither the segments before it are looked at, which are gone here, nor anything for a second question."""
    desk = Desk(tmp_path / "journal", segment_bytes=8192)
    desk.open_account("ann")
    while desk.ledger.status.segments < 4:
        desk.consume("ann", 1)
    request(desk, "MEDIUM")
    decide(desk, "bob")
    for segment in sorted((tmp_path / "journal" / "segments").glob("*.jsonl"))[:2]:
        segment.unlink()

    found = desk.ledger.approval("r-1")

    assert (found.state, found.decided_by, found.requester) == (ApprovalState.APPROVED, "bob", "ann")
    assert desk.ledger.approval("r-1") is found


def test_open_requests_survive_a_restart_with_their_approvals(desk: Desk) -> None:
    """One yes of two is remembered."""
    request(desk, "CRITICAL")
    decide(desk, "bob")
    before = desk.ledger.approval("r-1")

    after = desk.reopen().approval("r-1")

    assert after == before
    assert decide(desk, "cat").approval_state == "approved"


def test_whatever_becomes_of_a_request_names_the_request_as_its_cause(desk: Desk) -> None:
    """After a restart too, and for each of two people who approve."""
    opened = {}
    for name, risk_level in (("yes", "CRITICAL"), ("no", "MEDIUM"), ("never mind", "MEDIUM"), ("late", "MEDIUM")):
        opened[name] = request(desk, risk_level, name).events[0].seq
    automatic = request(desk, "LOW", "at once").events
    decide(desk, "bob", name="yes")

    desk.reopen()
    decide(desk, "cat", name="yes")
    decide(desk, "bob", name="no", is_approval=False)
    desk.order(commands.CancelApproval(request="never mind", by="ann", reason="it was a mistake"))
    desk.clock.pass_hours(24 * 30)
    desk.order(commands.ExpireApproval(request="late"))

    caused = [(event.stream, event.causation) for event in desk.events() if event.type != "approval.requested"]
    assert caused == [
        ("approval:at once", automatic[0].seq),
        *(("approval:" + name, opened[name]) for name in ("yes", "yes", "no", "never mind", "late")),
    ]
