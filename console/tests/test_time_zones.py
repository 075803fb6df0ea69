"""Times on screens: in the zone a person chose, UTC beside them; without a choice in the installation's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.kernel.authority import Role
from console.kernel.live import SharedUpdate
from console.kernel.models import AuditEntry, Person
from console.templatetags.gatehouse import moment, spoken
from console.templatetags.releases import sentence_with_moments
from console.tests.people import person_with
from console.tests.releases.runs import full_run

PAGE = "/admin/own/time-zone/"
MARCH = datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC)
JULY = datetime(2026, 7, 1, 23, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "march", "july"),
    [
        ("UTC", "1 Mar 2026, 23:30 UTC", "1 Jul 2026, 23:30 UTC"),
        ("Europe/Berlin", "2 Mar 2026, 00:30 CET", "2 Jul 2026, 01:30 CEST"),
        ("Asia/Dubai", "2 Mar 2026, 03:30 UTC+04", "2 Jul 2026, 03:30 UTC+04"),
    ],
)
def test_a_moment_is_said_in_the_zone_with_its_name_and_utc_behind_it(zone: str, march: str, july: str) -> None:
    """Summer time included; a zone without letters is told by its offset."""
    with timezone.override(zone):
        shown = [str(moment(one)) for one in (MARCH, JULY)]

    assert f">{march}</time>" in shown[0]
    assert f">{july}</time>" in shown[1]
    assert 'title="2026-03-01 23:30:05 UTC"' in shown[0]


def test_moments_in_judged_sentences_are_said_in_the_zone_too() -> None:
    """Also in a sentence within a sentence, and in a list of them."""
    inner = {"template": "until %(at)s", "params": {"at": {"moment": MARCH.isoformat()}}}

    with timezone.override("Europe/Berlin"):
        said = spoken("%(one)s; %(many)s", {"one": inner, "many": [inner]})

    assert said == "until 2 Mar 2026, 00:30 CET; until 2 Mar 2026, 00:30 CET"


def test_a_moment_in_a_sentence_of_a_page_is_that_of_the_tables_beside_it() -> None:
    """The browser puts both into its own zone, where nobody chose one; what people wrote stays text."""
    said = {"template": "%(who)s ended it at %(at)s", "params": {"who": "<b>", "at": {"moment": MARCH.isoformat()}}}

    assert sentence_with_moments(said) == f"&lt;b&gt; ended it at {moment(MARCH)}"
    assert sentence_with_moments(None) == ""


@pytest.fixture
def person(db: None) -> Person:
    return person_with(Role.AUDITOR)


@pytest.fixture
def client(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_a_person_chooses_a_zone_and_every_page_follows(client: Client, person: Person) -> None:
    """Stored with the person, so that it holds on every device; the browser's script keeps its hands off."""
    assert "data-own-zone" not in text_of(client.get(PAGE))

    client.post(PAGE, {"time_zone": "Asia/Dubai"})
    page = text_of(client.get(PAGE))

    person.refresh_from_db()
    assert person.time_zone == "Asia/Dubai"
    assert " UTC+04</time>" in page
    assert "data-own-zone" in page
    assert "Time zone: Asia/Dubai" in page


def test_a_choice_can_be_given_up(client: Client, person: Person) -> None:
    """Then the installation's zone holds again, or the browser's."""
    client.post(PAGE, {"time_zone": "Asia/Dubai"})
    client.post(PAGE, {"time_zone": ""})

    person.refresh_from_db()
    assert person.time_zone == ""


@pytest.mark.parametrize("asked", ["Middle/Earth", "../../etc/passwd", "x" * 5000])
def test_a_zone_that_nobody_lives_in_is_refused(client: Client, person: Person, asked: str) -> None:
    """Whatever a form sends, a page never breaks on it."""
    response = client.post(PAGE, {"time_zone": asked})

    person.refresh_from_db()
    assert (response.status_code, person.time_zone) == (422, "")


def test_a_choice_of_zone_is_no_act_on_record(client: Client) -> None:
    """Like the language; the row's digest leaves it out."""
    before = AuditEntry.objects.count()

    client.post(PAGE, {"time_zone": "Europe/Berlin"})

    assert AuditEntry.objects.count() == before


def test_a_live_update_is_shared_only_within_a_zone() -> None:
    """Two readers with the same roles and language in two zones read different times."""
    with timezone.override("Asia/Dubai"):
        there = SharedUpdate("", token="1", roles=frozenset())

    assert there.zone == "Asia/Dubai"
    assert SharedUpdate("", token="1", roles=frozenset()).zone == "UTC"


def test_a_page_that_is_kept_for_other_readers_is_kept_for_their_zone_alone(client: Client, person: Person) -> None:
    """The page of a run is made once for everybody of the same roles and language, and of the same time zone."""
    address = f"/admin/testruns/run/{full_run(by=person).pk}/"
    before = text_of(client.get(address))

    client.post(PAGE, {"time_zone": "Asia/Dubai"})

    assert " UTC+04</time>" not in before
    assert " UTC+04</time>" in text_of(client.get(address))
