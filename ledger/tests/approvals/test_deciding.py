"""Deciding approvals of the live journal: distinct people, once, in time, and never one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from console.kernel.acts import Actor
from console.kernel.authority import AUTHORITY, Act, Role
from console.kernel.errors import NotAllowed
from console.kernel.models import AuditEntry
from console.tests.racing import at_once
from ledger import AlreadyDecided, ApprovalState, Ledger, LedgerError, check_invariants
from ledger.actions import decide_ledger_approval
from ledger.conf import live_journal
from ledger.credits.errors import (
    AlreadyApproved,
    ApprovalOverdue,
    InvalidIdentifier,
    ReasonTooShort,
    SelfApproval,
    UnknownApproval,
)
from ledger.tests.approvals.conftest import Ask, MakeActor

pytestmark = pytest.mark.django_db

WHY = "checked with the team of mission 9"
DONE = {"act": "ledger_approval.decide", "outcome": "done"}


def decide(actor: Actor, request: str, *, is_approval: bool = True, why: str = WHY) -> Any:
    return decide_ledger_approval(actor=actor, request=request, is_approval=is_approval, justification=why)


def test_a_reviewer_approves_and_the_journal_says_who_and_why(ask: Ask, reviewer: Actor, ledger: Ledger) -> None:
    """One event with the person as actor and approver, and one audit entry that names it by its seq."""
    approval = decide(reviewer, ask())

    event = next(ledger.events(types=["approval.approved"]))
    entry = AuditEntry.objects.get(**DONE)
    assert approval.state is ApprovalState.APPROVED
    assert (event.actor, event.data["approver"], event.data["justification"]) == (reviewer.label, reviewer.label, WHY)
    assert (entry.object, entry.actor) == ("approval:r-1", reviewer.label)
    assert f'"seq":{event.seq}' in entry.after


def test_a_denial_ends_the_request_at_once(ask: Ask, supervisor: Actor, ledger: Ledger) -> None:
    """Also where two people would have to agree."""
    approval = decide(supervisor, ask(risk="CRITICAL"), is_approval=False)

    assert approval.state is ApprovalState.REJECTED
    assert (approval.decided_by, approval.reason) == (supervisor.label, WHY)
    assert list(ledger.approvals(state=ApprovalState.PENDING)) == []


def test_a_critical_request_takes_two_different_people(ask: Ask, reviewer: Actor, supervisor: Actor) -> None:
    """The same person a second time is refused, in other words too; the second person completes it."""
    name = ask(risk="CRITICAL")

    first = decide(reviewer, name)
    with pytest.raises(AlreadyApproved, match="someone else"):
        decide(reviewer, name, why="I really did look at it twice")
    second = decide(supervisor, name)

    assert (first.state, first.approvers) == (ApprovalState.PENDING, (reviewer.label,))
    assert (second.state, second.approvers) == (ApprovalState.APPROVED, (reviewer.label, supervisor.label))


def test_a_double_click_is_one_decision(ask: Ask, reviewer: Actor, ledger: Ledger) -> None:
    """The second answer is the first one again: one event, one audit entry, nothing refused."""
    name = ask(risk="CRITICAL")

    answers = [decide(reviewer, name) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert len(list(ledger.events(types=["approval.approved"]))) == 1
    assert AuditEntry.objects.filter(**DONE).count() == 1
    assert not AuditEntry.objects.filter(outcome="refused").exists()


def test_a_decision_whose_audit_entry_was_lost_in_a_crash_gets_it_on_the_next_try(
    ask: Ask, reviewer: Actor, ledger: Ledger
) -> None:
    """The journal was written, the transaction of the entry was not: repeating completes it."""
    name = ask()

    def decide_and_die() -> None:
        with transaction.atomic():
            decide(reviewer, name)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide_and_die()
    assert not AuditEntry.objects.filter(**DONE).exists()

    decide(reviewer, name)

    assert AuditEntry.objects.filter(**DONE).count() == 1
    assert len(list(ledger.events(types=["approval.approved"]))) == 1


def test_what_is_decided_stays_decided(ask: Ask, reviewer: Actor, supervisor: Actor, ledger: Ledger) -> None:
    """Whoever comes later is told the final state; the refusal is in the audit chain."""
    name = ask()
    decide(reviewer, name)

    with pytest.raises(AlreadyDecided, match="approved"):
        decide(supervisor, name, is_approval=False)

    assert ledger.approval(name).state is ApprovalState.APPROVED
    assert AuditEntry.objects.get(outcome="refused").code == "already_decided"


@pytest.mark.parametrize(
    ("requester", "by"),
    [
        ("user:{id}", "user:{id}"),
        ("token:3:user:{id}", "token:3:user:{id}"),
        ("agent-7", "token:3:user:{id}"),
        ("agent-7", "user:{id}"),
        ("user:{id}", "run:1:set-up"),
    ],
)
def test_whoever_asked_cannot_decide_not_by_a_token_and_not_in_another_name(
    ask: Ask, reviewer: Actor, supervisor: Actor, requester: str, by: str
) -> None:
    """The person behind a token is the person; so is whoever sent the command for an agent."""
    own = reviewer.person.pk
    name = ask(requester=requester.format(id=own), by=by.format(id=own))

    for is_approval in (True, False):
        with pytest.raises(SelfApproval):
            decide(reviewer, name, is_approval=is_approval)

    assert decide(supervisor, name).state is ApprovalState.APPROVED


def test_a_person_whose_number_only_ends_alike_is_somebody_else(ask: Ask, reviewer: Actor) -> None:
    """user:1 is not user:11."""
    name = ask(requester=f"user:1{reviewer.person.pk}")

    assert decide(reviewer, name).state is ApprovalState.APPROVED


@pytest.mark.parametrize("role", Role)
def test_reviewers_and_supervisors_decide_and_nobody_else(make_actor: MakeActor, ask: Ask, role: Role) -> None:
    """The authority table; a superuser without the role is nobody."""
    actor = make_actor(role)
    actor.person.is_superuser = True
    actor.person.save()
    name = ask()

    if role in AUTHORITY[Act.DECIDE_LEDGER_APPROVAL]:
        assert decide(actor, name).state is ApprovalState.APPROVED
    else:
        with pytest.raises(NotAllowed):
            decide(actor, name)
        assert AuditEntry.objects.get(outcome="refused").code == "not-allowed"

    assert (role in AUTHORITY[Act.DECIDE_LEDGER_APPROVAL]) is (role in (Role.REVIEWER, Role.SUPERVISOR))


@pytest.mark.parametrize(
    ("risk", "is_approval", "why", "is_accepted"),
    [
        ("MEDIUM", True, "", True),
        ("MEDIUM", True, "fine", True),
        ("MEDIUM", False, "no", False),
        ("MEDIUM", False, "ten signs..", True),
        ("HIGH", True, "", False),
        ("HIGH", True, "too short", False),
        ("HIGH", True, "   short   ", False),
        ("HIGH", True, "long enough", True),
        ("CRITICAL", True, "too short", False),
        ("CRITICAL", True, "long enough", True),
    ],
)
def test_the_risk_level_says_whether_a_justification_is_needed(
    ask: Ask, reviewer: Actor, risk: str, is_approval: bool, why: str, is_accepted: bool
) -> None:
    """Denying always takes ten characters, approving from HIGH on; spaces do not count."""
    name = ask(risk=risk)

    if is_accepted:
        assert decide(reviewer, name, is_approval=is_approval, why=why)
    else:
        with pytest.raises(LedgerError) as refusal:
            decide(reviewer, name, is_approval=is_approval, why=why)
        assert refusal.value.code in (ReasonTooShort.code, "invalid-text")


def test_an_overdue_request_is_refused_and_its_expiry_recorded(overdue: str, reviewer: Actor, ledger: Ledger) -> None:
    """Nobody decides it any more; the next one is told that it is expired."""
    with pytest.raises(ApprovalOverdue):
        decide(reviewer, overdue)
    with pytest.raises(AlreadyDecided, match="expired"):
        decide(reviewer, overdue)

    assert ledger.approval(overdue).state is ApprovalState.EXPIRED
    assert [event.type for event in ledger.events(stream=f"approval:{overdue}")][1:] == ["approval.expired"]


@pytest.mark.parametrize(("name", "refusal"), [("nobody-asked", UnknownApproval), ("", InvalidIdentifier)])
def test_a_request_nobody_made_is_refused(
    reviewer: Actor, ledger: Ledger, name: str, refusal: type[LedgerError]
) -> None:
    """Nothing is written but the refusal."""
    head = ledger.head.seq

    with pytest.raises(refusal):
        decide(reviewer, name)

    assert ledger.head.seq == head
    assert AuditEntry.objects.get(outcome="refused").code == refusal.code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("risk", ["MEDIUM", "CRITICAL"])
def test_of_ten_people_who_decide_at_once_just_enough_do(
    make_actor: MakeActor, ask: Ask, ledger: Ledger, risk: str
) -> None:
    """Five approve, five deny: the first final decision stands, later ones are refused, the journal stays whole."""
    name = ask(risk=risk)
    people = [make_actor(Role.REVIEWER) for _ in range(10)]

    def deciding(number: int, actor: Actor) -> Callable[[], Any]:
        return lambda: decide(actor, name, is_approval=number % 2 == 0)

    answers = at_once([deciding(number, actor) for number, actor in enumerate(people)], refusal=LedgerError)

    refused = [answer for answer in answers if isinstance(answer, LedgerError)]
    events = list(ledger.events(stream=f"approval:{name}"))
    final = [event for event in events if event.data.get("state") in ("approved", "rejected")]
    assert len(answers) == 10
    assert {answer.code for answer in refused} == {"already_decided"}
    assert len(final) == 1
    assert len(events) - 1 == 10 - len(refused) == AuditEntry.objects.filter(**DONE).count()
    assert check_invariants(live_journal()).is_held


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_of_one_person_at_once_are_one_decision(reviewer: Actor, ask: Ask, ledger: Ledger) -> None:
    """Every click gets the same answer."""
    name = ask(risk="CRITICAL")

    answers = at_once([lambda: decide(reviewer, name)] * 10, refusal=LedgerError)

    assert {answer.approvers for answer in answers} == {(reviewer.label,)}
    assert len(list(ledger.events(types=["approval.approved"]))) == 1
    assert AuditEntry.objects.filter(**DONE).count() == 1
