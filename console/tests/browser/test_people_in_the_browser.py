"""The pages of people and of the audit trail in a real Chromium, in pairwise looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.actions import create_person, create_service_token, create_token, deactivate_person, propose_role
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import Person
from console.kernel.scopes import Scope
from console.tests.browser.looks import defects_of, in_every_language
from console.tests.people import give

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]
PEOPLE = "/admin/kernel/person/"
OpenPage = Callable[..., Any]
MakePerson = Callable[[str], Person]


@pytest.fixture
def ruth(make_person: MakePerson) -> Person:
    """Somebody with roles, with proposals that wait, and somebody else who left."""
    admin = Actor(person=make_person("administrator"), via="console")
    ruth = create_person(actor=admin, username="ruth", printed_name="Ruth Rothschild-Meyer").reset.person
    give(ruth, Role.TESTER)
    propose_role(
        actor=admin, person_id=ruth.pk, role="reviewer", verified_how="known in person for years, staff directory"
    )
    pipeline = "Nightly pipeline of the ledger"
    create_token(actor=admin, name=pipeline, scopes=list(Scope), days=30)
    create_service_token(actor=admin, person_id=ruth.pk, name=pipeline, scopes=list(Scope), days=30)
    gone = make_person("engineer")
    deactivate_person(actor=admin, person_id=gone.pk, reason="has left the company")
    return ruth


@in_every_language
def test_the_pages_of_people_are_sound_in_every_pair_of_width_theme_and_language(
    open_page: OpenPage, make_person: MakePerson, ruth: Person, language: str
) -> None:
    """No console message, no violation of the content policy, no sideways scroll, no finding of axe."""
    gone = Person.objects.get(username="engineer")
    page = open_page(make_person("administrator"), "/admin/", language=language)
    origin = page.url.split("/admin/")[0]

    defects: list[str] = []
    for address in (
        PEOPLE,
        f"{PEOPLE}{ruth.pk}/change/",
        f"{PEOPLE}{gone.pk}/change/",
        f"{PEOPLE}create/",
        "/admin/tokens/",
        "/admin/tokens/create/",
        "/admin/tokens/create-for-service/",
        "/admin/kernel/auditentry/",
        "/admin/kernel/auditentry/?area=people&who=system&days=7",
    ):
        page.problems.clear()
        page.goto(origin + address)
        name = f"people-{address.strip('/').replace('/', '-').split('?')[0]}"
        defects += defects_of(page, language=language, name=name)

    assert not defects, "\n".join(defects)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_an_administrator_adds_a_person_and_a_supervisor_hands_over_the_other_half(
    open_page: OpenPage, make_person: MakePerson, has_javascript: bool
) -> None:
    """The whole way, with and without JavaScript: login, role, both halves, sign-in, own password."""
    make_person("supervisor")
    Person.objects.filter(username="supervisor").update(password_is_own=True)
    page = open_page(make_person("administrator"), PEOPLE, has_javascript=has_javascript)
    page.click("text=Add a person")
    page.fill("#id_username", "nora")
    page.fill("#id_printed_name", "Nora Nielsen")
    page.click("text=Add the person")
    first = page.inner_text("code.half")
    page.click("text=To the person")
    page.select_option("#role", "reviewer")
    page.fill("#verified_how", "passport seen at the desk")
    page.click("button:has-text('Propose the role')")
    page.wait_for_selector("text=counts once a second person confirms it")

    other = open_page(Person.objects.get(username="supervisor"), PEOPLE, has_javascript=has_javascript)
    with other.expect_navigation():
        other.click("li:has-text('Role reviewer') button:has-text('Confirm')")
    other.click("li:has-text('First password') button:has-text('Confirm')")
    second = other.inner_text("code.half")

    nora = open_page(None, "/admin/login/", has_javascript=has_javascript)
    nora.fill("#id_username", "nora")
    nora.fill("#id_password", f"{first}-{second}")
    nora.click("button:has-text('Sign in')")
    nora.wait_for_selector("text=Nora Nielsen", state="attached")
    assert Person.objects.get(username="nora").roles == {Role.REVIEWER}
