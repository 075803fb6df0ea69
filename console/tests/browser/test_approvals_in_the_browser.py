"""The pages of ledger approvals in a real Chromium: sound in every look, and usable without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.tests.browser.conftest import MakePerson
from console.tests.browser.looks import defects_of, in_every_language
from ledger import ApprovalState, Ledger, commands
from ledger.actions import live_ledger

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]

LIST = "/admin/approvals/"
OpenPage = Callable[..., Any]


def ask(ledger: Ledger, name: str, *, risk: str, requester: str = "agent:planner-with-quite-a-long-name") -> None:
    order = commands.RequestApproval(
        request=name,
        action_type="credit_adjustment",
        risk_level=risk,
        context="500 credits for the migration of mission 9, which the planner estimated at 430 to 520 credits",
        requester=requester,
        amount_micros=500_000_000,
    )
    ledger.execute(order, key=f"ask-{name}", actor="run:1:set-up", correlation="mission-9")


@in_every_language
def test_every_page_of_approvals_is_sound_in_every_pair_of_width_theme_and_language(
    open_page: OpenPage, make_person: MakePerson, language: str
) -> None:
    """An empty list, a full one, one that waits and one that is decided: no message, no sideways scroll, no finding."""
    reviewer = make_person("reviewer")
    ledger = live_ledger()
    page = open_page(reviewer, LIST, language=language)
    root = page.url.split("/admin/")[0]
    defects = defects_of(page, language=language, name="approvals-empty")
    ask(ledger, "raise-budget-of-mission-nine", risk="CRITICAL")
    ask(ledger, "r-2", risk="HIGH", requester=f"token:3:user:{reviewer.pk}")
    denial = commands.DecideApproval(
        request="r-2", approver="user:999", is_approval=False, justification="not in this quarter"
    )
    ledger.execute(denial, key="deny", actor="user:999", correlation="mission-9")
    ask(ledger, "r-3", risk="MEDIUM", requester=f"user:{reviewer.pk}")

    addresses = {
        "list": LIST,
        "waiting": f"{LIST}one/?request=raise-budget-of-mission-nine",
        "denied": f"{LIST}one/?request=r-2",
        "own": f"{LIST}one/?request=r-3",
    }
    for name, address in addresses.items():
        page.problems.clear()
        page.goto(root + address)
        defects += defects_of(page, language=language, name=f"approvals-{name}")

    assert not defects, "\n".join(defects)


def test_two_people_decide_without_javascript_on_a_phone(open_page: OpenPage, make_person: MakePerson) -> None:
    """From the list to the request, a justification, the button by keyboard; then the second person."""
    ledger = live_ledger()
    ask(ledger, "r-1", risk="CRITICAL")

    answers = []
    for role in ("reviewer", "supervisor"):
        page = open_page(make_person(role), LIST, width=390, has_javascript=False)
        page.click("text=r-1")
        page.fill("#justification", "checked with the team of mission 9")
        page.focus("button[value=approve]")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        answers.append(page.inner_text("main"))

    assert "People who must still agree: 1" in answers[0]
    assert "r-1 is approved." in answers[1]
    assert ledger.approval("r-1").state is ApprovalState.APPROVED
