"""A verification that is followed costs its readers little: nothing new, or how far it is, and the page at its end."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.kernel import live
from ledger import Ledger
from ledger.tests.verifying.conftest import verify_here
from ledger.verifying.standing import Place, Progress
from ledger.verifying.starting import place_of

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/journal/verification/"
UPDATE = {"HX-Request": "true"}
Browse = Callable[[str], Client]


@pytest.fixture
def place(storage: Path, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Of the live journal, while somebody is at it and 20 % of it is read."""
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    place = place_of(storage / "events" / "credits")
    held = place.begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert held is not None
    place.tell(Progress(step=1, done_bytes=2, total_bytes=5))
    yield place
    os.close(held)


def next_address(page: str) -> str:
    """Where a page asks next, with the token of what it shows."""
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def follow(client: Client) -> str:
    """Open the page, and be let in at the address of its updates."""
    address = next_address(client.get(ADDRESS).content.decode())
    assert client.get(address, headers=UPDATE).status_code == 204
    return address


def test_nothing_new_is_said_in_one_query(browse: Browse, place: Place) -> None:
    """The one that asks for the reader's authority: how far it is stands in files."""
    client = browse("auditor")
    address = follow(client)

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address, headers=UPDATE)

    assert (answer.status_code, len(captured)) == (204, 1)


def test_progress_is_sent_without_the_page_around_it_and_made_once(browse: Browse, place: Place) -> None:
    """For every reader of the same roles and language."""
    one, other = browse("auditor"), browse("auditor")
    addresses = [follow(client) for client in (one, other)]
    for client in (one, other):
        client.get(ADDRESS, headers=UPDATE)
    place.tell(Progress(step=2, done_bytes=1, total_bytes=2))

    first = one.get(addresses[0], headers=UPDATE).content.decode()
    with CaptureQueriesContext(connection) as captured:
        second = other.get(addresses[1], headers=UPDATE).content.decode()

    assert "75 %" in first
    assert "<html" not in first
    assert first == second
    assert len(captured) == 1
    assert one.get(next_address(first), headers=UPDATE).status_code == 204


def test_a_reader_of_another_language_follows_it_in_theirs(browse: Browse, place: Place) -> None:
    """At the same address and with the same token."""
    one, other = browse("auditor"), browse("auditor")
    pages = [
        client.get(ADDRESS, headers=UPDATE | {"Accept-Language": language}).content.decode()
        for _ in range(2)
        for client, language in ((one, "en"), (other, "de"))
    ]

    assert ["The journal is being read" in page for page in pages] == [True, False, True, False]


def test_at_its_end_the_outcome_is_sent(browse: Browse, ledger_with_events: Ledger, storage: Path) -> None:
    """Of the page, from which the browser takes what it followed; nothing asks again."""
    journal, client = storage / "events" / "credits", browse("auditor")
    held = place_of(journal).begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert held is not None
    address = follow(client)
    os.close(held)
    verify_here(journal)

    page = client.get(address, headers=UPDATE).content.decode()

    assert 'id="verification"' in page
    assert "The journal is sound: every invariant holds" in page
    assert "every 2s" not in page


def test_the_page_of_a_phase_is_sent_again_only_when_it_is_further(browse: Browse, place: Place) -> None:
    """It follows the live journal's verification beside its checklist."""
    client = browse("auditor")
    address = next_address(client.get("/admin/releases/phase/5a/").content.decode())
    before = client.get(address, headers=UPDATE).status_code

    place.tell(Progress(step=2, done_bytes=1, total_bytes=2))

    assert before == 204
    assert "75 %" in client.get(address, headers=UPDATE).content.decode()
