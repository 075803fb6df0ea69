"""Comments, withdrawals, conditions, waivers, revocation, capabilities and lapses, as the pages do them."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from console.kernel.authority import Role
from console.models import (
    CapabilityAct,
    Condition,
    ConditionConfirmation,
    Decision,
    LiveVerification,
    ReleaseRequest,
    Review,
    ReviewComment,
    Revocation,
    SignOff,
    SignOffWithdrawal,
    Waiver,
)
from console.release_states import Outcome, RequestState, Word
from console.templatetags.releases import address
from console.tests.people import give, person_with
from console.tests.releases.people import Team, attest, condition, decide, sign_three, write_review
from console.tests.releases_pages.conftest import Visit
from console.tests.releases_pages.test_acts import WHY, of, text_of
from ledger.actions import live_ledger
from ledger.conf import live_journal
from ledger.verifying.starting import carry_out, place_of
from testruns.models import Build, Run


@pytest.fixture
def conditional(request_5a: ReleaseRequest, team: Team) -> Decision:
    """A release with one condition: the engineer's, before use, closed by a file."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    rows = (condition(owner=team.engineer, text="write the runbook"),)
    return decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=rows)


@pytest.mark.parametrize(
    "address",
    [
        "request/1/comment/",
        "request/1/withdraw/",
        "sign-off/1/withdraw/",
        "condition/1/close/",
        "condition/1/confirm/",
        "decision/1/revoke/",
        "waiver/1/answer/",
        "capability/redis-bus/",
        "phase/5a/verify-journal/",
    ],
)
def test_an_act_is_never_done_by_following_a_link(team: Team, visit: Visit, address: str) -> None:
    """GET answers 405."""
    assert visit(team.engineer).get(f"/admin/releases/{address}").status_code == 405


def test_opening_a_request_twice_leads_to_the_same_one(team: Team, build: Build, runs: list[Run], visit: Visit) -> None:
    """The second press of the same person shows what the first one opened; another person reads why not."""
    address = "/admin/releases/phase/5a/request/"
    client, other = visit(team.opener), visit(team.engineer)

    answers = [client.post(address, {"build": build.pk}) for _ in range(2)]
    refused = other.post(address, {"build": build.pk})

    request = ReleaseRequest.objects.get()
    assert {answer.headers["Location"] for answer in answers} == {of(request)}
    assert (refused.status_code, "is open already" in text_of(refused)) == (409, True)


def test_the_preview_warns_of_the_seats_an_opener_loses(
    team: Team, build: Build, runs: list[Run], visit: Visit
) -> None:
    """A supervisor who opens can no longer decide; an engineer loses nothing."""
    address = "/admin/releases/phase/5a/request/"

    assert "you can no longer fill these seats in it: Supervisor" in text_of(visit(team.supervisor).get(address))
    assert "you can no longer fill" not in text_of(visit(team.engineer).get(address))
    assert "2 of 2 full runs green" in text_of(visit(team.engineer).get(address))
    assert not ReleaseRequest.objects.exists()


def test_comments_stand_below_what_they_answer(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """An answer is one level deeper; a comment is text, whatever it holds."""
    client = visit(team.reviewer)
    client.post(of(request_5a, "comment/"), {"text": "<script>alert(1)</script>"})
    first = ReviewComment.objects.get()
    client.post(of(request_5a, "comment/"), {"text": "answered", "reply_to": first.pk})

    page = text_of(client.get(of(request_5a)))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert f'class="level-1" id="comment-{first.pk + 1}"' in page


def test_a_request_and_a_signature_are_withdrawn_with_a_reason(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """Too short a reason is refused on the page it was given on."""
    sign_off = attest(request_5a, by=team.engineer)
    engineer, opener = visit(team.engineer), visit(team.opener)
    withdraw = f"/admin/releases/sign-off/{sign_off.pk}/withdraw/"

    short = engineer.post(withdraw, {"reason": "no", "_from": of(request_5a)}, follow=True)
    engineer.post(withdraw, {"reason": WHY, "_from": of(request_5a)})
    opener.post(of(request_5a, "withdraw/"), {"reason": WHY})

    request_5a.refresh_from_db()
    assert "10 characters" in text_of(short)
    assert (SignOffWithdrawal.objects.count(), request_5a.state) == (1, RequestState.WITHDRAWN)


def test_a_draft_is_its_authors_business_until_it_is_signed(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """Another person does not see it on the request and finds no page of it."""
    review = write_review(request_5a, by=team.reviewer)
    others, own = visit(team.supervisor), visit(team.reviewer)

    assert others.get(f"/admin/releases/review/{review.pk}/").status_code == 404
    assert own.get(f"/admin/releases/review/{review.pk}/").status_code == 200
    assert f"/admin/releases/review/{review.pk}/" not in text_of(others.get(of(request_5a)))


def test_a_review_is_written_with_rows_and_a_file(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """Empty rows are left out; the file is bound by digest and comes back as a download."""
    sent = _review(**{"findings-0-text": "It is slow", "risks-0-text": ""})
    file = SimpleUploadedFile("plot<1>.html", b"<script>alert(1)</script>")
    client = visit(team.reviewer)

    answer = client.post(of(request_5a, "review/"), sent | {"attachment": file})

    review = Review.objects.get()
    attached = review.attachments.get()
    handed_out = client.get(f"/admin/releases/attachment/{attached.pk}/")
    assert answer.status_code == 302
    assert ([one["text"] for one in review.findings], review.risks) == (["It is slow"], [])
    assert handed_out.headers["Content-Disposition"].startswith("attachment")
    assert handed_out.headers["Content-Type"] == "application/octet-stream"


def test_a_second_tab_does_not_overwrite_a_newer_draft(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """The form names the version it was filled from."""
    old = write_review(request_5a, by=team.reviewer).version
    write_review(request_5a, by=team.reviewer, scope="rewritten in the other tab")

    answer = visit(team.reviewer).post(of(request_5a, "review/"), _review(version=str(old)))

    assert answer.status_code == 409
    assert Review.objects.get().scope == "rewritten in the other tab"


def test_a_condition_is_closed_by_its_owner_and_confirmed_by_a_supervisor(
    conditional: Decision, team: Team, visit: Visit
) -> None:
    """Somebody else reads whose it is; the evidence comes back as a download."""
    row = Condition.objects.get()
    address = f"/admin/releases/condition/{row.pk}/"
    file = SimpleUploadedFile("runbook.txt", b"turn it off and on again")

    foreign = visit(team.tester).get(address)
    visit(team.engineer).post(f"{address}close/", {"file": file, "note": "written"})
    visit(team.supervisor).post(f"{address}confirm/")

    closing = row.closings.get()
    evidence = visit(team.tester).get(f"/admin/releases/closing/{closing.pk}/evidence/")
    assert str(row.owner) in text_of(foreign)
    assert "disabled" in text_of(foreign)
    assert ConditionConfirmation.objects.get().closing_id == closing.pk
    assert evidence.content == b"turn it off and on again"


def test_a_waiver_is_asked_for_and_answered_by_somebody_else(
    team: Team, build: Build, runs: list[Run], visit: Visit
) -> None:
    """The one who asked finds no button; rules about correctness are not even offered."""
    give(team.engineer.person, Role.REVIEWER)
    expires = (timezone.now() + timedelta(days=3)).date().isoformat()
    sent = {"phase": "5a", "build": build.pk, "rule_code": "E03", "expires": expires, "reason": WHY}
    asked = visit(team.engineer).post("/admin/releases/waivers/", sent)
    waiver = Waiver.objects.get()
    own = visit(team.engineer).get(f"/admin/releases/waiver/{waiver.pk}/")

    visit(team.reviewer).post(f"/admin/releases/waiver/{waiver.pk}/answer/", {"is_approved": "1", "reason": WHY})

    waiver.refresh_from_db()
    offered = text_of(visit(team.engineer).get(address(f"waivers:5a/{build.pk}/E03")))
    assert re.search(r'value="E03"[^>]* checked', offered)
    assert asked.headers["Location"] == f"/admin/releases/waiver/{waiver.pk}/"
    assert "another person answers it" in text_of(own)
    assert waiver.answer.is_approved
    assert 'value="A01"' not in text_of(visit(team.engineer).get("/admin/releases/waivers/"))


def test_a_release_is_revoked_with_a_reason_and_its_certificate_says_so(
    conditional: Decision, team: Team, visit: Visit
) -> None:
    """The printed page keeps everything and says that it stands no more."""
    visit(team.supervisor).post(f"/admin/releases/decision/{conditional.pk}/revoke/", {"reason": WHY})

    page = visit(team.tester).get(f"/admin/releases/decision/{conditional.pk}/certificate/")
    assert Revocation.objects.get().decision_id == conditional.pk
    assert "This release does not stand any more" in text_of(page)


def test_a_capability_is_not_switched_on_without_a_release_and_says_why(team: Team, visit: Visit) -> None:
    """The refusal names the phase; nothing is recorded as switched."""
    client = visit(team.engineer)

    answer = client.post("/admin/releases/capability/redis-bus/", {"is_on": "1", "reason": WHY}, follow=True)

    assert "needs a standing release of phase 7a" in text_of(answer)
    assert not CapabilityAct.objects.exists()


def test_the_live_journal_is_verified_from_the_page_of_a_phase(team: Team, visit: Visit) -> None:
    """The page follows the one that runs; an empty journal is sound and says that it has 0 events."""
    client, place = visit(team.tester), place_of(live_journal())
    running = place.begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert running is not None
    live_ledger()
    followed = client.post("/admin/releases/phase/5a/verify-journal/", follow=True).content.decode()
    carry_out(live_journal(), place=place, is_live=True)
    os.close(running)
    page = client.get("/admin/releases/phase/5a/")

    assert "The live journal is being verified already." in followed
    assert 'hx-select="#phase"' in followed
    assert (LiveVerification.objects.get().events, "0 events" in text_of(page)) == (0, True)
    assert 'hx-select="#phase"' not in page.content.decode()


def test_an_overdue_condition_turns_every_page_red_and_waits_for_nobody_to_notice(
    conditional: Decision, team: Team, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No timer, no write: the day after the due date the banner stands on home and on every other page."""
    client = visit(team.tester)
    before = text_of(client.get("/admin/"))
    later = timezone.now() + timedelta(days=9)
    monkeypatch.setattr(timezone, "now", lambda: later)

    pages = {address: _page_later(team, visit, address) for address in ("/admin/", "/admin/testruns/run/")}

    assert "has lapsed" not in before
    assert all("The release of phase 5a has lapsed" in page for page in pages.values())
    assert ReleaseRequest.objects.get().state == RequestState.CONDITIONAL


def test_nothing_can_be_chosen_where_nothing_can_be_decided_any_more(
    request_5a: ReleaseRequest, team: Team, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the request lapses there are words to choose from; then each leads to the reason."""
    sign_three(request_5a, team)
    address = f"/admin/releases/request/{request_5a.pk}/decide/"
    before = visit(team.supervisor).get(address).content.decode()
    later = timezone.now() + timedelta(days=60)
    monkeypatch.setattr(timezone, "now", lambda: later)

    after = visit(team.supervisor).get(address).content.decode()

    words = re.compile(r'<input type="radio" name="word"[^>]*>')
    assert any("disabled" not in word for word in words.findall(before))
    assert len(words.findall(after)) == 3
    assert all("disabled" in word for word in words.findall(after))
    assert 'id="why-sign">This request takes no signatures any more.' in after


def test_what_waits_on_home_is_for_the_one_who_can_do_it(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """The next seat waits for those who can fill it, and moves on when it is signed; an auditor has nothing."""
    auditor = visit(person_with(Role.AUDITOR))
    engineer, tester = visit(team.engineer), visit(team.tester)

    first = "attest the implementation" in text_of(engineer.get("/admin/"))
    attest(request_5a, by=team.engineer)
    second = "sign the execution" in text_of(tester.get("/admin/"))

    assert (first, second) == (True, True)
    assert "attest the implementation" not in text_of(engineer.get("/admin/"))
    assert "Nothing waits for you." in text_of(auditor.get("/admin/"))
    assert SignOff.objects.count() == 1


def test_a_decided_release_hands_out_certificate_and_bundle(conditional: Decision, team: Team, visit: Visit) -> None:
    """Both as files; the bundle is a ZIP."""
    client = visit(team.tester)
    base = f"/admin/releases/decision/{conditional.pk}/"

    envelope, bundle = client.get(f"{base}certificate.jsonl"), client.get(f"{base}bundle.zip")
    content = bundle.getvalue()

    assert b"payloadType" in envelope.content
    assert content.startswith(b"PK")
    assert "attachment" in bundle.headers["Content-Disposition"]


def test_nobody_finds_pages_of_what_does_not_exist(team: Team, visit: Visit) -> None:
    """404, in our design, not a server error."""
    client = visit(team.engineer)
    addresses = ("phase/9z/", "request/77/", "request/77/decide/", "review/77/", "condition/77/", "waiver/77/")

    assert {client.get(f"/admin/releases/{address}").status_code for address in addresses} == {404}
    assert client.get("/admin/releases/phase/1-5/request/").status_code == 404
    assert client.get("/admin/releases/phase/5a/request/?build=x").status_code == 404


def _page_later(team: Team, visit: Visit, address: str) -> str:
    """A page some days later; the session of then is over by then, so somebody signs in anew."""
    return text_of(visit(team.tester).get(address))


def _review(**changes: str) -> dict[str, str]:
    sent = {"scope": "all of it", "criteria": "", "readiness": "8", "outcome": "APPROVE"}
    for name, count in (("findings", 1), ("risks", 1), ("answers", 0), ("proposed", 0)):
        sent |= {f"{name}-TOTAL_FORMS": str(count), f"{name}-INITIAL_FORMS": "0"}
    sent |= {"findings-0-severity": "warning", "findings-0-status": "open", "risks-0-state": "OPEN"}
    return sent | changes
