"""What waits on home comes from every part of the console, and only for those who can do something about it."""

from __future__ import annotations

from console import actions
from console.kernel.authority import Role
from console.tests.people import actor_with, person_with
from console.tests.releases.people import signer
from console.tests.releases_pages.conftest import Visit
from console.tests.releases_pages.test_acts import text_of
from ledger import commands
from ledger.actions import live_ledger
from testruns.actions import draft_policy, edit_draft, submit_draft
from testruns.policy_editing import PolicyEditing


def test_a_proposed_role_waits_for_those_who_confirm_it(visit: Visit) -> None:
    """For another administrator; not for the one who proposed it, nor for a tester."""
    proposer, other = signer(Role.ADMINISTRATOR), signer(Role.ADMINISTRATOR)
    person = person_with()
    actions.propose_role(
        actor=proposer, person_id=person.pk, role=Role.REVIEWER, verified_how="met in person, passport seen"
    )

    asked = {who: "Confirm the role reviewer" in text_of(visit(who).get("/admin/")) for who in (other, proposer)}

    assert list(asked.values()) == [True, False]
    assert "Confirm the role" not in text_of(visit(person_with(Role.TESTER)).get("/admin/"))


def test_a_pending_approval_waits_for_people_who_may_decide(visit: Visit) -> None:
    """It leads to its page, with the end of its time."""
    asking = commands.RequestApproval(
        request="r-1",
        action_type="credit_adjustment",
        risk_level="HIGH",
        context="500 credits for the migration of mission 9",
        requester="user:999",
        amount_micros=500_000_000,
    )
    live_ledger().execute(asking, key="r-1", actor="user:999", correlation="mission-1")

    page = text_of(visit(person_with(Role.SUPERVISOR)).get("/admin/"))

    assert 'href="/admin/approvals/one/?request=r-1"' in page
    assert "Approve or deny r-1" not in text_of(visit(person_with(Role.ENGINEER)).get("/admin/"))


def test_a_submitted_policy_waits_for_everybody_but_its_editor(visit: Visit) -> None:
    """Whoever edited it has nothing to do."""
    editor, other = actor_with(Role.ENGINEER), actor_with(Role.SUPERVISOR)
    draft = draft_policy(actor=editor)
    draft = edit_draft(
        actor=editor,
        draft_id=draft.pk,
        version=draft.version,
        editing=PolicyEditing(rules={}, values={"soak_seconds": 1900}),
    )
    submit_draft(actor=editor, draft_id=draft.pk)

    assert "Look at policy 2 and activate it" in text_of(visit(other).get("/admin/"))
    assert "Look at policy" not in text_of(visit(editor).get("/admin/"))
