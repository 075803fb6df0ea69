"""The pages of approvals as people use them: what waits, until when, and every refusal in words."""

from __future__ import annotations

import pytest
from django.test import Client

from console.kernel.acts import Actor
from console.kernel.authority import Role
from ledger import ApprovalState, Ledger
from ledger.actions import close_live_ledger, decide_ledger_approval
from ledger.conf import live_journal
from ledger.tests.approvals.conftest import Ask, MakeActor

pytestmark = pytest.mark.django_db

LIST = "/admin/approvals/"
ONE = "/admin/approvals/one/"
WHY = "checked with the team of mission 9"


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(client: Client, name: str) -> str:
    return str(client.get(ONE, {"request": name}).content.decode())


def test_the_list_shows_what_waits_by_urgency_with_who_agreed(
    ask: Ask, reviewer: Actor, supervisor: Actor, ledger: Ledger
) -> None:
    """Who asked, what for, how much, how risky, how many must agree and who did, and the time that is left."""
    ask("r-critical", risk="CRITICAL", requester=f"token:3:user:{supervisor.person.pk}")
    ask("r-medium", risk="MEDIUM")
    ask("r-low", risk="LOW")
    decide_ledger_approval(actor=reviewer, request="r-critical", is_approval=True, justification=WHY)

    response = signed_in(supervisor).get(LIST)

    page = response.content.decode()
    assert [line.approval.request for line in response.context["waiting"]] == ["r-medium", "r-critical"]
    assert "500.00" in page
    assert "1 of 2" in page
    assert str(reviewer.person) in page
    assert f"{supervisor.person} (token:3:user:{supervisor.person.pk})" in page
    assert "23 h 59 min" in page


def test_without_anything_pending_the_list_says_what_would_appear(reviewer: Actor) -> None:
    """Also on a storage without a journal."""
    assert "Nothing waits for anybody" in signed_in(reviewer).get(LIST).content.decode()


def test_two_people_approve_on_the_page(ask: Ask, reviewer: Actor, supervisor: Actor, ledger: Ledger) -> None:
    """The first is told how many are missing, the second that it is approved."""
    name = ask(risk="CRITICAL")
    form = {"request": name, "decision": "approve", "justification": WHY}

    first = signed_in(reviewer).post(ONE, form, follow=True).content.decode()
    second = signed_in(supervisor).post(ONE, form, follow=True).content.decode()

    assert "Your approval of r-1 is recorded. People who must still agree: 1." in first
    assert "r-1 is approved." in second
    assert ledger.approval(name).state is ApprovalState.APPROVED
    assert "checked with the team of mission 9" in page_of(signed_in(reviewer), name)


def test_a_refusal_keeps_what_was_typed(ask: Ask, reviewer: Actor, ledger: Ledger) -> None:
    """Too short a justification is said in words, and nothing is decided."""
    name = ask()

    answer = signed_in(reviewer).post(ONE, {"request": name, "decision": "deny", "justification": "no <way>"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "needs at least 10 characters" in page
    assert "no &lt;way&gt;</textarea>" in page
    assert ledger.approval(name).state is ApprovalState.PENDING


@pytest.mark.parametrize("role", Role)
def test_whoever_may_not_decide_reads_why(make_actor: MakeActor, ask: Ask, role: Role) -> None:
    """Everybody reads; the buttons say which roles decide."""
    page = page_of(signed_in(make_actor(role)), ask())

    assert ('id="why-decide"' not in page) is (role in (Role.REVIEWER, Role.SUPERVISOR))
    if role not in (Role.REVIEWER, Role.SUPERVISOR):
        assert "This takes one of these roles: reviewer, supervisor." in page


def test_whoever_asked_or_agreed_already_reads_that_it_takes_another_person(
    ask: Ask, reviewer: Actor, supervisor: Actor
) -> None:
    """Who agreed may still deny; who asked may do neither."""
    name = ask(risk="CRITICAL", requester=supervisor.label)
    decide_ledger_approval(actor=reviewer, request=name, is_approval=True, justification=WHY)

    own = page_of(signed_in(supervisor), name)
    agreed = page_of(signed_in(reviewer), name)

    assert "You asked for it yourself. Another person must decide." in own
    assert own.count("disabled") == 2
    assert "The other approval must come from someone else; you may still deny it." in agreed
    assert agreed.count("disabled") == 1


def test_an_expired_request_is_shown_as_expired_and_cannot_be_decided(
    overdue: str, reviewer: Actor, ledger: Ledger
) -> None:
    """In the list, on its page, and as the answer to somebody who had the page open."""
    client = signed_in(reviewer)

    listing = client.get(LIST)
    page = page_of(client, overdue)
    answer = client.post(ONE, {"request": overdue, "decision": "approve"}).content.decode()

    assert [line.approval.request for line in listing.context["expired"]] == [overdue]
    assert listing.context["waiting"] == []
    assert "nobody can decide it any more" in page
    assert "<button" not in page.split('id="content"')[1]
    assert "can only expire now" in answer
    assert ledger.approval(overdue).state is ApprovalState.EXPIRED
    assert client.get(LIST).context["expired"] == []


def test_an_answer_that_comes_too_late_says_what_was_decided(
    ask: Ask, reviewer: Actor, supervisor: Actor, ledger: Ledger
) -> None:
    """The second person had the page open while the first one decided."""
    name = ask()
    decide_ledger_approval(actor=supervisor, request=name, is_approval=False, justification=WHY)

    page = signed_in(reviewer).post(ONE, {"request": name, "decision": "approve"}).content.decode()

    assert "is already decided: rejected." in page
    assert "denied" in page
    assert ledger.approval(name).state is ApprovalState.REJECTED


@pytest.mark.parametrize("decision", ["", "APPROVE", "yes"])
def test_a_decision_nobody_offered_is_none(ask: Ask, reviewer: Actor, ledger: Ledger, decision: str) -> None:
    """No guess about what a person meant."""
    name = ask()

    answer = signed_in(reviewer).post(ONE, {"request": name, "decision": decision})

    assert answer.status_code == 404
    assert ledger.approval(name).state is ApprovalState.PENDING


@pytest.mark.parametrize("name", ["nobody-asked", "", "x" * 500, "../../etc", "a/b?c=d&e=%00"])
def test_a_request_nobody_made_is_not_found(reviewer: Actor, ledger: Ledger, name: str) -> None:
    """Whatever stands in the address."""
    client = signed_in(reviewer)

    assert client.get(ONE, {"request": name}).status_code == 404
    assert client.post(ONE, {"request": name, "decision": "approve"}).status_code == 404


def test_hostile_names_and_texts_are_shown_as_text_and_reach_their_page(
    ask: Ask, reviewer: Actor, ledger: Ledger
) -> None:
    """What somebody asked for comes from outside: it neither breaks the page nor its links."""
    name = ask("<b>&/?#=%41 ü", context="<script>alert(1)</script>", requester="<i>agent</i>")
    client = signed_in(reviewer)

    listing = client.get(LIST).content.decode()
    link = listing.split(f'href="{ONE}')[1].split('"')[0]
    page = client.get(ONE + link.replace("&amp;", "&")).content.decode()

    assert "<script>alert" not in listing + page
    assert "<b>&" not in listing + page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert client.get(ONE + link).context["line"].approval.request == name


def test_a_damaged_journal_is_said_instead_of_an_empty_list(ask: Ask, reviewer: Actor) -> None:
    """Nobody must take damage for "nothing waits"."""
    ask()
    close_live_ledger()
    path = next((live_journal() / "segments").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"MEDIUM", b"NEDIUM", 1))

    page = signed_in(reviewer).get(LIST).content.decode()

    assert "The live journal cannot be relied on" in page
    assert "The journal is damaged in segment" in page
    assert "Nothing waits for anybody" not in page


def test_a_journal_nobody_can_open_leads_back_to_the_list_that_says_so(reviewer: Actor, ledger: Ledger) -> None:
    """Its first file is gone."""
    close_live_ledger()
    (live_journal() / "journal.json").write_text("no facts")
    client = signed_in(reviewer)

    page = client.get(LIST).content.decode()

    assert "The live journal cannot be relied on" in page
    assert client.get(ONE, {"request": "r-1"}).headers["Location"] == LIST
