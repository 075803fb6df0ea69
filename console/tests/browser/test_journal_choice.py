"""The journal browser over imported journals, and what it says when a journal is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from ledger import Ledger
from ledger.actions import import_journal, live_ledger
from ledger.admin.journals import OPEN_MAX, ChosenJournal
from ledger.conf import imports_directory
from ledger.tests.credits.planting import LEGACY, write_from_the_future, write_newer_schema
from ledger.tests.verifying.conftest import verify_here

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/journal/"
Browse = Callable[[str], Client]


@pytest.fixture
def imported(storage: Path) -> str:
    """The name of an imported legacy journal with seven faults."""
    return import_journal(actor=None, source=LEGACY / "damaged.jsonl", is_strict=False).journal.name


def test_an_imported_journal_is_chosen_beside_the_live_one(browse: Browse, imported: str) -> None:
    """Its events are shown by the same page, which says whose they are and that nothing is added to them."""
    client = browse("auditor")

    live = client.get(ADDRESS)
    response = client.get(ADDRESS, {"journal": imported, "type": "import.line_refused"})

    page = response.content.decode()
    assert f'<option value="{imported}">{imported}</option>' in live.content.decode()
    assert f'<option value="{imported}" selected>' in page
    assert {line.event.type for line in response.context["page"].lines} == {"import.line_refused"}
    assert "imported; nothing is ever added to it" in page


def test_every_link_and_form_of_an_imported_journal_stays_in_it(browse: Browse, imported: str) -> None:
    """Nobody slips from one journal into another."""
    client = browse("auditor")
    for address in ("", "event/5/", "accounts/"):
        page = client.get(ADDRESS + address, {"journal": imported}).content.decode()
        links = [part.split('"')[0] for part in page.split('href="')[1:]]
        inside = [link for link in links if link.startswith(ADDRESS)]

        assert inside.pop(0) == ADDRESS  # the section in the navigation
        assert inside
        assert [link for link in inside if f"journal={imported}" not in link] == []
    assert client.get(ADDRESS, {"journal": imported}).content.decode().count(f'name="journal" value="{imported}"') == 2


def test_accounts_balances_and_verification_are_those_of_the_imported_journal(browse: Browse, imported: str) -> None:
    """The same views, the other journal; the live one knows nothing of its agents."""
    verify_here(imports_directory() / imported)
    client = browse("auditor")
    accounts = client.get(f"{ADDRESS}accounts/", {"journal": imported}).context["accounts"]
    agent = next(name for name, balance in accounts if name.startswith("agent:") and balance)

    history = client.get(f"{ADDRESS}account/", {"journal": imported, "name": agent}).context["history"]
    standing = client.get(f"{ADDRESS}verification/", {"journal": imported}).context["standing"]
    of_live = client.get(f"{ADDRESS}account/", {"name": agent})

    assert history.lines
    assert history.balance_micros == dict(accounts)[agent]
    assert standing.outcome is not None
    assert standing.outcome.events > 100
    assert of_live.headers["Location"] == f"{ADDRESS}accounts/"


def test_reading_an_imported_journal_writes_nothing(browse: Browse, imported: str, storage: Path) -> None:
    """Not even a lock file."""
    directory = storage / "events" / "imports" / imported
    before = {path: path.stat().st_mtime_ns for path in sorted(directory.rglob("*"))}

    for address in ("", "event/5/", "accounts/"):
        browse("auditor").get(ADDRESS + address, {"journal": imported})

    assert {path: path.stat().st_mtime_ns for path in sorted(directory.rglob("*"))} == before


@pytest.mark.parametrize("name", ["nobody", "../credits", ".hidden"])
def test_a_journal_that_does_not_exist_is_said_and_the_live_one_shown(
    browse: Browse, ledger_with_events: Ledger, name: str
) -> None:
    """Only what was imported can be chosen: no path leads out of the directory of imports."""
    response = browse("auditor").get(ADDRESS, {"journal": name})

    assert f"There is no imported journal “{name}”; the live one is shown." in response.content.decode()
    assert response.context["head"].seq == ledger_with_events.head.seq


def test_more_imports_than_stay_open_are_all_readable(storage: Path) -> None:
    """The one that was read longest ago gives its files back."""
    directory = storage / "events" / "imports"
    for number in range(OPEN_MAX + 2):
        Ledger.open(path=directory / f"j{number}").close()
    journals = [ChosenJournal(name=f"j{n}", path=directory / f"j{n}") for n in range(OPEN_MAX + 2)]

    heads = [journal.open().head.seq for journal in (*journals, *journals)]

    assert heads == [1] * (2 * len(journals))


@pytest.mark.parametrize("address", [ADDRESS, "/admin/"])
def test_a_state_that_cannot_take_an_event_is_said_on_the_journal_and_the_first_page(
    browse: Browse, ledger_with_events: Ledger, storage: Path, address: str
) -> None:
    """Nobody reads "normal" while nothing can be folded; what cannot be shown leads to the page that says why."""
    write_from_the_future(storage / "events" / "credits")
    client = browse("engineer")

    page = client.get(address).content.decode()
    accounts = client.get(f"{ADDRESS}accounts/")

    assert "The journal cannot be read" in page
    assert "KeyError" in page
    assert accounts.headers["Location"] == ADDRESS


@pytest.mark.parametrize("address", [ADDRESS, "/admin/"])
def test_a_warning_of_the_journal_stands_where_people_look(
    browse: Browse, ledger_with_events: Ledger, address: str
) -> None:
    """Although the journal goes on, and its state is normal."""
    ledger_with_events.journal._keeper.warnings.append("sealing 1: no space left on device")

    page = browse("engineer").get(address).content.decode()

    assert live_ledger().status.state == "normal"
    assert "The journal needs attention" in page
    assert "sealing 1: no space left on device" in page


def test_a_sound_journal_raises_no_alarm(browse: Browse, ledger_with_events: Ledger) -> None:
    """Normal is said once, quietly."""
    first, page = (browse("auditor").get(address).content.decode() for address in ("/admin/", ADDRESS))

    assert 'id="condition"' not in first + page
    assert "normal</span>" in page


@pytest.mark.parametrize("address", [ADDRESS, "/admin/"])
def test_an_event_of_a_newer_version_is_named_with_what_to_do(
    browse: Browse, ledger_with_events: Ledger, storage: Path, address: str
) -> None:
    """Type, schema and number, and not a balance is guessed."""
    write_newer_schema(storage / "events" / "credits")

    page = browse("engineer").get(address).content.decode()

    assert "is credit.consumed of schema 2" in page
    assert "Install that version or a later one" in page
