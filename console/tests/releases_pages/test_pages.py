"""Every page of the sign-off screens answers everybody who may read, and reading changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.test import Client
from django.utils import translation

from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.models import Condition, Decision, ReleaseRequest, Review, Waiver
from console.release_states import Outcome, Word
from console.templatetags.releases import text
from console.tests.people import person_with
from console.tests.releases.people import Team, condition, decide, sign_three
from console.tests.releases_pages.conftest import Visit


def addresses_of(request: ReleaseRequest) -> list[str]:
    """Every page there is about what happened to a request."""
    found = ["/admin/", "/admin/releases/", "/admin/releases/phase/5a/", "/admin/releases/phase/1-5/"]
    found += ["/admin/releases/phase/6a/", "/admin/releases/phase/5a/request/", "/admin/releases/waivers/"]
    found += ["/admin/releases/builds/", f"/admin/releases/build/{request.build.commit}/"]
    own = f"/admin/releases/request/{request.pk}/"
    found += [own, f"{own}manifest.json", f"{own}review/"]
    found += [f"/admin/releases/review/{one.pk}/" for one in Review.objects.exclude(signed_at=None)]
    found += [f"/admin/releases/condition/{one.pk}/" for one in Condition.objects.all()]
    found += [f"/admin/releases/waiver/{one.pk}/" for one in Waiver.objects.all()]
    for decision in Decision.objects.exclude(certificate=None):
        found += [f"/admin/releases/decision/{decision.pk}/certificate{end}" for end in ("/", ".jsonl")]
    return found


def refused(clients: Mapping[Role, Client], request: ReleaseRequest) -> dict[str, int]:
    """Every page that does not answer with 200, by role and address."""
    answers = {
        f"{role} {address}": client.get(address).status_code
        for address in addresses_of(request)
        for role, client in clients.items()
    }
    return {place: status for place, status in answers.items() if status != 200}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "phase/5a/", "phase/5a/request/", "request/1/decide/", "waivers/"])
def test_strangers_are_asked_to_sign_in_before_anything_is_looked_up(address: str) -> None:
    """Without a session there is the sign-in page and nothing else."""
    response = Client().get(f"/admin/releases/{address}")

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_every_page_answers_every_role_and_reading_changes_nothing(
    request_5a: ReleaseRequest, team: Team, visit: Visit
) -> None:
    """Signed by three, then decided with a condition: all roles read all of it, and no row is written by it."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)
    clients = {role: visit(person_with(role)) for role in Role}
    before = AuditEntry.objects.count()
    while_open = refused(clients, request_5a)
    entries = AuditEntry.objects.count() - before
    decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))
    when_decided = refused(clients, request_5a)

    assert while_open == {}
    assert when_decided == {}
    assert entries == 0


@pytest.mark.parametrize(
    ("template", "params", "english", "german"),
    [
        (
            "gate %(gate)s: %(old)s before, %(new)s now",
            {"gate": "E", "old": "FAIL", "new": "WAIVED"},
            "Waived",
            "Ausge",
        ),
        ("its outcome is %(outcome)s", {"outcome": "CONDITIONAL"}, "Approve with conditions", "Mit Auflagen"),
        (
            "the recommendation: %(old)s before, %(new)s now",
            {"old": "GO", "new": "CONDITIONAL"},
            "CONDITION",
            "BEDINGT",
        ),
        (
            "%(verdict)s by rule %(rule)s: %(why)s",
            {"verdict": "FAIL", "rule": "E03", "why": "FAIL"},
            "Fail by",
            "Nicht",
        ),
    ],
)
def test_a_sentence_says_verdicts_in_the_words_of_the_badges(
    template: str, params: dict[str, str], english: str, german: str
) -> None:
    """Stored words reach nobody; what only looks like one is left alone."""
    said = {"template": template, "params": params}

    spoken = {}
    for language in ("en", "de"):
        with translation.override(language):
            spoken[language] = text(said)

    assert english in spoken["en"]
    assert german in spoken["de"]
    assert "WAIVED" not in spoken["de"]
    assert spoken["en"].endswith("FAIL") == ("why" in params)
