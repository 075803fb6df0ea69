"""The pages of policies in a real Chromium: sound in every look, and usable without JavaScript and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.kernel.acts import Actor
from console.tests.browser.conftest import MakePerson
from console.tests.browser.looks import defects_of, in_every_language
from testruns.actions import active_policy, draft_policy, edit_draft, submit_draft, withdraw_draft
from testruns.models import PolicyDraft
from testruns.policy_editing import PolicyEditing
from testruns.tests.short_policy import activate_changed_policy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]

LIST = "/admin/testruns/gatepolicy/"
OpenPage = Callable[..., Any]


def actor(make_person: MakePerson, role: str) -> Actor:
    return Actor(person=make_person(role), via="console")


@in_every_language
def test_every_page_of_policies_is_sound_in_every_pair_of_width_theme_and_language(
    open_page: OpenPage, make_person: MakePerson, language: str
) -> None:
    """List, policy, draft, editor and editor with errors: no message, no sideways scroll, no finding of axe."""
    engineer, supervisor = actor(make_person, "engineer"), actor(make_person, "supervisor")
    withdrawn = draft_policy(actor=engineer)
    withdraw_draft(actor=engineer, draft_id=withdrawn.pk, reason="it measured the wrong thing")
    longer = PolicyEditing(values={"release_validity_days": 60, "soak_seconds": 3600})
    policy = activate_changed_policy(editor=engineer, activator=supervisor, editing=longer)
    draft = draft_policy(actor=engineer)
    back = PolicyEditing(values={"release_validity_days": 30, "soak_seconds": 600, "confidence_ppm": 975_000})
    edit_draft(actor=engineer, draft_id=draft.pk, version=1, editing=back)
    address = f"{LIST}draft/{draft.pk}/"
    page = open_page(engineer.person, LIST, language=language)
    root = page.url.split("/admin/")[0]

    defects = []
    for name, path in {"list": LIST, "policy": f"{LIST}{policy.pk}/change/", "draft": address}.items():
        page.problems.clear()
        page.goto(root + path)
        defects += defects_of(page, language=language, name=f"policies-{name}")
    page.goto(f"{root}{address}edit/")
    defects += defects_of(page, language=language, name="policies-edit")
    page.fill("#id_E03-blocking", "1")
    page.click("main button.primary")
    page.wait_for_selector("[role=alert]")
    of_errors = defects_of(page, language=language, name="policies-errors")
    defects += [defect for defect in of_errors if "422" not in defect]
    submit_draft(actor=engineer, draft_id=draft.pk)
    page.problems.clear()
    page.goto(root + address)
    defects += defects_of(page, language=language, name="policies-submitted")

    assert not defects, "\n".join(defects)


def test_two_people_change_a_policy_without_javascript_and_by_keyboard(
    open_page: OpenPage, make_person: MakePerson
) -> None:
    """Draft, edit, submit by one; read the difference and activate by the other, on a phone."""
    engineer, supervisor = make_person("engineer"), make_person("supervisor")
    hers = open_page(engineer, LIST, width=390, has_javascript=False)
    hers.focus("#act-begin")
    with hers.expect_navigation():
        hers.keyboard.press("Enter")
    hers.fill("#id_E03-threshold", "400")
    with hers.expect_navigation():
        hers.keyboard.press("Enter")
    hers.focus("#act-submit")
    with hers.expect_navigation():
        hers.keyboard.press("Enter")
    draft = PolicyDraft.objects.get()
    his = open_page(supervisor, f"{LIST}draft/{draft.pk}/", width=390, has_javascript=False)

    seen = his.inner_text("main")
    his.focus("#act-activate")
    with his.expect_navigation():
        his.keyboard.press("Enter")

    assert "Expected is < 400 ms instead of < 500 ms." in seen
    assert "Policy 2 is active." in his.inner_text("main")
    assert active_policy().activated_by == supervisor
