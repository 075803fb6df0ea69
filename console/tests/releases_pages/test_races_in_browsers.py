"""Two windows on one decision: both buttons pressed, and always one decision. `RACES=200` runs it that often."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from console import actions
from console.kernel.audit import verify_chain
from console.kernel.authority import Role
from console.models import Certificate, Decision, ReleaseRequest, SignOff
from console.release_states import Word
from console.tests.people import PASSWORD
from console.tests.releases.people import WHY, Team, sign_three, signer
from console.tests.releases.runs import full_run
from testruns.models import Build

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Any]

RACES = int(os.environ.get("RACES", "4"))
DECIDED, ANOTHER = "You have decided", "Nothing was changed."


def ready(team: Team, build: Build) -> ReleaseRequest:
    """An open request on two runs nobody has decided about, with three signatures."""
    for _ in range(2):
        full_run(by=team.runner, build=build)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    return request


def fill(page: Any, address: str, word: Word) -> None:
    """Everything but the last press of the button."""
    page.goto(address)
    page.check(f"input[name=word][value={word}]")
    if word is not Word.GO:
        page.fill("#id_reason", WHY)
    page.fill("#id_password", PASSWORD)


def press_both(first: Any, second: Any) -> None:
    """Send both forms before either is answered, and wait for both answers."""
    with first.expect_navigation(), second.expect_navigation():
        for page in (first, second):
            page.click("text=Sign this decision", no_wait_after=True)


@pytest.mark.timeout(60 + 10 * RACES)
def test_two_windows_that_decide_at_once_make_one_decision_every_time(
    open_page: OpenPage, team: Team, build: Build
) -> None:
    """In turn: one supervisor in two windows who means the same, and two supervisors who disagree."""
    rival = signer(Role.SUPERVISOR)
    windows = {who.person.pk: [open_page(who.person, "/admin/") for _ in range(2)] for who in (team.supervisor, rival)}
    base = windows[rival.person.pk][0].url.removesuffix("/admin/")

    for number in range(RACES):
        request, do_agree = ready(team, build), number % 2 == 0
        address = f"{base}/admin/releases/request/{request.pk}/decide/"
        first, second = windows[team.supervisor.person.pk]
        if not do_agree:
            second = windows[rival.person.pk][0]
        fill(first, address, Word.NO_GO)
        fill(second, address, Word.NO_GO if do_agree else Word.GO)
        press_both(*((first, second) if number % 4 < 2 else (second, first)))

        decision = Decision.objects.get(request=request)
        who_decided = [DECIDED in page.inner_text("main") for page in (first, second)]
        assert who_decided == ([True, True] if do_agree else [decision.word == "NO_GO", decision.word == "GO"])
        assert do_agree or ANOTHER in (first, second)[who_decided.index(False)].inner_text("main")
        assert SignOff.objects.filter(request=request, seat="SUPERVISOR").count() == 1
        assert Certificate.objects.filter(decision=decision).count() == (decision.word == "GO")
        if decision.word == "GO":
            actions.revoke_release(actor=team.supervisor, decision_id=decision.pk, reason=WHY)

    assert Decision.objects.count() == RACES
    assert verify_chain().is_sound
