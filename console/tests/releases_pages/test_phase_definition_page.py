"""The page of a phase's definition: who may propose and activate, and what stands there."""

from __future__ import annotations

from typing import Any

import pytest

from console.models import Phase, PhaseEdit
from console.tests.releases.people import Team
from console.tests.releases_pages.conftest import Visit

pytestmark = pytest.mark.django_db
PAGE = "/admin/releases/phase/8a/definition/"


def sent(**changes: Any) -> dict[str, Any]:
    """What the form sends: a new title, and one check more."""
    values = {
        "number": 1,
        "title": "Read side",
        "description": "",
        "opened_by": ["7a"],
        "checks": ["journal", "no-waivers"],
    }
    return values | changes


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_two_people_change_a_phase_from_its_page(team: Team, visit: Visit) -> None:
    """The second one finds it in the inbox, reads the change in words, and presses one button."""
    visit(team.opener).post(PAGE, sent())
    edit = PhaseEdit.objects.get()
    own, other = text_of(visit(team.opener).get(PAGE)), visit(team.supervisor)

    assert "another person activates it" in own
    assert "Look at definition 2 of phase 8a" in text_of(other.get("/admin/"))
    page = text_of(other.get(PAGE))
    assert "It is checked from now on: the evidence rests on no waiver." in page
    assert "The title is “Read side”" in page
    response = other.post(f"/admin/releases/phase-edit/{edit.pk}/activate/", {"digest": edit.digest})

    assert (response.status_code, response.headers["Location"]) == (302, PAGE)
    assert Phase.objects.get(code="8a").title == "Read side"
    assert "Definition 2" in text_of(other.get("/admin/releases/phase/8a/"))


def test_a_refused_proposal_keeps_what_was_typed(team: Team, visit: Visit) -> None:
    """Beside the reason; nothing is proposed."""
    response = visit(team.opener).post(PAGE, sent(title="Kept", number=7))

    assert response.status_code == 409
    assert "Not proposed" in text_of(response)
    assert 'value="Kept"' in text_of(response)
    assert not PhaseEdit.objects.exists()


@pytest.mark.parametrize(
    "values", [{"title": ""}, {"checks": ["seats"]}, {"opened_by": ["8a"]}, {"opened_by": ["1-5"]}]
)
def test_the_form_takes_nothing_it_does_not_offer(team: Team, visit: Visit, values: dict[str, Any]) -> None:
    """A critical check, the phase itself, a phase in use."""
    response = visit(team.opener).post(PAGE, sent(**values))

    assert response.status_code == 422
    assert not PhaseEdit.objects.exists()


def test_who_may_not_sees_why(team: Team, visit: Visit) -> None:
    """The form is there to read, its button is disabled with the roles it takes."""
    page = text_of(visit(team.tester).get(PAGE))

    assert "This takes one of these roles: engineer." in page
    assert visit(team.tester).post(PAGE, sent()).status_code == 409


def test_a_phase_in_use_has_no_such_page(team: Team, visit: Visit) -> None:
    """There is nothing to release, so there is nothing to define."""
    assert visit(team.engineer).get("/admin/releases/phase/1-5/definition/").status_code == 404


def test_a_proposal_is_withdrawn_with_a_reason(team: Team, visit: Visit) -> None:
    """It stays readable, and the next one gets another number."""
    client = visit(team.opener)
    client.post(PAGE, sent())
    edit = PhaseEdit.objects.get()

    client.post(f"/admin/releases/phase-edit/{edit.pk}/withdraw/", {"reason": "short"})
    assert not hasattr(PhaseEdit.objects.get(), "answer")
    client.post(f"/admin/releases/phase-edit/{edit.pk}/withdraw/", {"reason": "the title was wrong"})

    assert not PhaseEdit.objects.get().answer.is_activated
    assert "the title was wrong" in text_of(client.get(PAGE))
