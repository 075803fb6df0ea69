"""What pages say before it is too late, and what they no longer say after."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from console import actions
from console.models import ReleaseRequest, Review
from console.release_states import Word
from console.tests.releases.people import WHY, Team, decide, sign_three
from console.tests.releases.runs import SLOW, full_run
from console.tests.releases_pages.conftest import Visit
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db
EMPTY_ROWS = {
    f"{name}-{count}_FORMS": "0"
    for name in ("findings", "risks", "answers", "proposed")
    for count in ("TOTAL", "INITIAL")
}


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_saving_a_review_says_what_it_lacks_to_be_signed(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """A conditional outcome without a condition is saved, and said at once, not at the signature."""
    client = visit(team.reviewer)
    sent = {**EMPTY_ROWS, "scope": "everything", "readiness": "8", "outcome": "CONDITIONAL"}

    response = client.post(reverse("admin:release_review_edit", args=[request_5a.pk]), sent, follow=True)

    assert Review.objects.get().outcome == "CONDITIONAL"
    assert "It cannot be signed yet: its outcome is conditional, and it proposes no condition." in text_of(response)


def test_a_complete_review_is_saved_without_a_warning(request_5a: ReleaseRequest, team: Team, visit: Visit) -> None:
    """Then there is nothing to say."""
    sent = {**EMPTY_ROWS, "scope": "everything", "readiness": "8", "outcome": "APPROVE"}

    response = visit(team.reviewer).post(reverse("admin:release_review_edit", args=[request_5a.pk]), sent, follow=True)

    assert "The draft is saved." in text_of(response)
    assert "cannot be signed yet" not in text_of(response)


def test_a_revoked_release_is_no_longer_valid_until_anything(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """On the board, on the page of the phase and on that of the request."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)
    client = visit(team.engineer)
    pages = ("/admin/", "/admin/releases/phase/5a/", f"/admin/releases/request/{request_5a.pk}/")
    heads = [text_of(client.get(page)).split('<section class="card"')[0] for page in pages[1:]]
    assert all("valid until" in head for head in heads)

    actions.revoke_release(actor=team.supervisor, decision_id=decision.pk, reason=WHY)

    assert all("valid until" not in text_of(client.get(page)).split('<section class="card"')[0] for page in pages)


def test_who_wants_to_sign_an_incomplete_review_is_led_back_to_it(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """From "Save and go to sign" and from a bookmark: no signing box stands over what cannot be signed."""
    client = visit(team.reviewer)
    write, sign = (f"/admin/releases/request/{request_5a.pk}/{page}/" for page in ("review", "sign/reviewer"))

    saved = client.post(write, {**EMPTY_ROWS, "next": "sign"})
    page = client.get(write)
    opened = client.get(sign, follow=True)

    assert saved.headers["Location"] == write
    assert "It cannot be signed yet: it does not say what was reviewed." in text_of(page)
    assert opened.redirect_chain == [(write, 302)]
    assert "The review cannot be signed yet: it does not say what was reviewed." in text_of(opened)


def test_who_decides_reads_what_the_review_answers_about_red_runs(
    team: Team, build: Build, runs: list[Run], visit: Visit
) -> None:
    """A run that was answered no longer says that it must be; what was answered stands where the decision is signed."""
    red = full_run(by=team.runner, build=build, faults=SLOW)
    full_run(by=team.runner, build=build)
    full_run(by=team.runner, build=build)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    address = f"/admin/releases/request/{request.pk}/"
    before = text_of(visit(team.supervisor).get(address))

    sign_three(request, team)
    pages = [text_of(visit(team.supervisor).get(address + page)) for page in ("", "decide/")]

    assert request.bound_runs.get(run=red).needs_answer
    assert "must be answered" in before
    assert all("answered in the review" in page and "must be answered" not in page for page in pages)
    assert "its machine was shared with a build" in pages[1]
