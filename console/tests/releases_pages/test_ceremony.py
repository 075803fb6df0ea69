"""A release from request to GO in a real browser, by people with a session each; and the same without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from console.kernel.acts import Actor
from console.models import Decision, LiveVerification, ReleaseRequest, SignOff
from console.release_states import RequestState, Word
from console.tests.people import PASSWORD
from console.tests.releases.people import Team
from console.tests.releases.runs import full_run
from console.tests.waiting import PATIENT_SECONDS, until
from testruns.models import Build, Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Any]


class Ceremony:
    """Each person in a browser of their own, doing what the pages offer."""

    def __init__(self, open_page: OpenPage, *, has_javascript: bool) -> None:
        self.open_page, self.has_javascript = open_page, has_javascript
        self.pages: list[Any] = []

    def visit(self, who: Actor, address: str = "") -> Any:
        """Open an address as somebody; the window before is closed, and asks for nothing any more."""
        if self.pages:
            self.pages[-1].close()
        page = self.open_page(who.person, f"/admin/{address}", has_javascript=self.has_javascript)
        self.pages.append(page)
        return page

    def request(self, who: Actor) -> ReleaseRequest:
        """From the card of the phase on home to an open request."""
        page = self.visit(who)
        page.click("article:has-text('5a') h3 a")
        with page.expect_navigation():
            page.click("text=Verify it now")
        if not self.has_javascript:
            until(LiveVerification.objects.exists, seconds=PATIENT_SECONDS)
        while not self.has_javascript and page.locator("progress").count():
            with page.expect_navigation():
                page.click("text=Refresh")
        page.wait_for_selector("text=verified by")
        page.click("text=Prepare a release request")
        page.click("button:has-text('Open the request')")
        page.wait_for_selector("text=is open.")
        return ReleaseRequest.objects.get()

    def sign(self, who: Actor, *, meaning: str) -> None:
        """From what waits on home to a signature."""
        page = self.visit(who)
        page.click("section.inbox a")
        page.click("text=Read and sign")
        page.check(f"label:has-text('{meaning}') input")
        page.fill("#id_password", PASSWORD)
        page.click("section.signing button")
        page.wait_for_selector("text=You have signed as")

    def review(self, who: Actor) -> None:
        """Write a review that approves with conditions, and sign it."""
        page = self.visit(who)
        page.click("section.inbox a")
        page.click("text=Write the review and sign")
        page.fill("#id_scope", "Both deciding runs, every rule, and the journal of the soak.")
        page.check("input[name=readiness][value='9']")
        page.check("input[name=outcome][value=CONDITIONAL]")
        page.fill("#id_proposed-0-text", "Re-test on the machine of the data centre")
        page.select_option("#id_proposed-0-closing_rule", "GO_RUN")
        page.click("text=Save and go to sign")
        page.check("label:has-text('I reviewed the evidence') input")
        page.fill("#id_password", PASSWORD)
        page.click("section.signing button")
        page.wait_for_selector("text=You have signed as")

    def decide(self, who: Actor, word: Word, *, owner: Actor | None = None, address: str) -> None:
        """Decide; a CONDITIONAL takes over the proposed condition and gives it an owner."""
        page = self.visit(who, address)
        page.check(f"input[name=word][value={word}]")
        if owner is not None:
            page.select_option("#id_conditions-0-owner", str(owner.person.pk))
            page.fill("#id_reason", "One machine only, so far.")
        page.fill("#id_password", PASSWORD)
        page.click("text=Sign this decision")
        page.wait_for_selector("text=You have decided")

    def close(self, owner: Actor, confirmer: Actor) -> None:
        """The owner closes the condition with a run, the supervisor confirms."""
        page = self.visit(owner)
        page.click("section.inbox a")
        page.fill("#id_note", "Ran it there, all green.")
        page.click("text=Close the condition")
        page.wait_for_selector("text=waits for confirmation")
        page = self.visit(confirmer)
        page.click("section.inbox a")
        page.click("button:has-text('Confirm')")
        page.wait_for_selector("text=The condition is confirmed.")


@pytest.mark.parametrize("has_javascript", [True, False], ids=["with-javascript", "without-javascript"])
def test_four_people_release_a_phase_and_the_certificate_verifies(
    open_page: OpenPage,
    team: Team,
    build: Build,
    runs: list[Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_javascript: bool,
) -> None:
    """Request, three signatures, CONDITIONAL, condition closed and confirmed, GO, certificate checked by command."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "console.settings")  # of the process that verifies the journal
    ceremony = Ceremony(open_page, has_javascript=has_javascript)

    request = ceremony.request(team.opener)
    ceremony.sign(team.engineer, meaning="I made this build")
    ceremony.sign(team.tester, meaning="I carried out the runs")
    ceremony.review(team.reviewer)
    own = f"releases/request/{request.pk}/"
    ceremony.decide(team.supervisor, Word.CONDITIONAL, owner=team.engineer, address=f"{own}decide/")
    full_run(by=team.runner, build=build)
    ceremony.close(team.engineer, team.supervisor)
    page = ceremony.visit(team.supervisor)
    page.click("section.inbox a")
    page.click("text=Every condition is closed: decide GO")
    ceremony.decide(team.supervisor, Word.GO, address=f"{own}decide/")
    page = ceremony.visit(team.engineer, own)
    with page.expect_download() as download:
        page.locator("text=Signed file").last.click()
    file = tmp_path / "certificate.jsonl"
    download.value.save_as(file)

    request.refresh_from_db()
    assert request.state == RequestState.GO
    assert [one.word for one in Decision.objects.order_by("number")] == ["CONDITIONAL", "GO"]
    assert SignOff.objects.count() == 5
    assert verdict_on(file).startswith("0 ")
    assert [text for page in ceremony.pages for text in page.problems] == []


def verdict_on(file: Path) -> str:
    """The exit code of verify_certificate and what it said."""
    out = StringIO()
    try:
        call_command("verify_certificate", str(file), stdout=out, stderr=out)
    except SystemExit as ended:
        return f"{ended.code} {out.getvalue()}"
    return f"0 {out.getvalue()}"


def test_who_mistypes_the_password_on_a_phone_is_shown_why_nothing_was_signed(
    open_page: OpenPage, request_5a: ReleaseRequest, team: Team
) -> None:
    """The page comes back at the box that was filled in, not at its top, screens above; its title says it too."""
    page = open_page(team.engineer.person, f"/admin/releases/request/{request_5a.pk}/sign/engineer/", width=390)
    page.check("input[name=meaning] >> nth=0")
    page.fill("#id_password", "not-my-password")
    with page.expect_navigation():
        page.press("#id_password", "Enter")

    alert = page.locator("main [role=alert]").bounding_box()

    assert page.title().startswith("Error: ")
    assert 0 <= alert["y"] <= alert["y"] + alert["height"] <= 900
    assert not SignOff.objects.exists()
