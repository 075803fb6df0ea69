"""Streams, accounts and balances of a journal: however many there are, every page costs the same and none is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from ledger import Ledger, commands
from ledger.admin import history, reading, streams, views

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/journal/"
Browse = Callable[[str], Client]


def all_streams(client: Client) -> list[tuple[str, int, int]]:
    """Name, number of events and last event of every stream, page by page."""
    found, address = [], f"{ADDRESS}streams/"
    while address:
        page = client.get(address).context["page"]
        found += [(line.name, line.count, line.last.event.seq) for line in page.lines]
        address = f"{ADDRESS}streams/?until={page.older}" if page.older else ""
    return found


@pytest.mark.parametrize("read", [3, 10_000])
@pytest.mark.parametrize("lines", [2, 50])
def test_the_pages_hold_every_stream_once_with_its_events_and_the_last_one_of_them(
    browse: Browse, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch, lines: int, read: int
) -> None:
    """Also where a page ends between events of one stream, or shows none at all."""
    monkeypatch.setattr(streams, "STREAMS_PER_PAGE", lines)
    monkeypatch.setattr(streams, "EVENTS_READ_MAX", read)
    counts: dict[str, tuple[int, int]] = {}
    for event in ledger_with_events.events():
        counts[event.stream] = (counts.get(event.stream, (0, 0))[0] + 1, event.seq)

    found = all_streams(browse("auditor"))

    assert {name: (count, last) for name, count, last in found} == counts
    assert len(found) == len(counts)
    assert [last for _name, _count, last in found] == sorted((last for *_, last in found), reverse=True)


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("a-", ["agent:a-1", "agent:a-2"]),
        ("A-2", ["agent:a-2"]),
        ("agent:a-1", ["agent:a-1"]),
        ("system:journal", ["system:journal"]),
        ("nobody", []),
    ],
)
def test_a_stream_is_found_by_its_name(
    browse: Browse, ledger_with_events: Ledger, search: str, names: list[str]
) -> None:
    """Agents by any part of it, others by the whole."""
    page = browse("auditor").get(f"{ADDRESS}streams/", {"q": search}).context["page"]

    assert [line.name for line in page.lines] == names
    assert page.found == len(names)
    assert all(line.count == ledger_with_events.journal.stream_version(line.name) for line in page.lines)


def test_a_last_event_far_back_is_said_to_be_so_and_searches_have_pages(
    browse: Browse, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a whole journal to be read."""
    monkeypatch.setattr(streams, "EVENTS_SEARCHED_MAX", 2)
    monkeypatch.setattr(streams, "STREAMS_PER_PAGE", 1)
    client = browse("auditor")
    create = commands.CreateAgent(agent="a-3", initial_micros=1)
    ledger_with_events.execute(create, key="late", actor="user:1", correlation="c")

    first = client.get(f"{ADDRESS}streams/", {"q": "a-"})
    third = client.get(f"{ADDRESS}streams/", {"q": "a-", "start": "2"})

    assert (first.context["page"].lines[0].last, "further back" in first.content.decode()) == (None, True)
    assert (first.context["page"].next, first.context["page"].found) == (1, 3)
    assert third.context["page"].lines[0].last.event.seq == ledger_with_events.head.seq


def test_accounts_come_in_pages_and_the_sum_is_over_all_of_them(
    browse: Browse, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order in which they were opened."""
    monkeypatch.setattr(views, "ACCOUNTS_PER_PAGE", 4)
    client = browse("auditor")

    first = client.get(f"{ADDRESS}accounts/").context
    second = client.get(f"{ADDRESS}accounts/", {"start": first["next"]}).context

    names = [name for name, _balance in (*first["accounts"], *second["accounts"])]
    assert names == list(ledger_with_events.accounts())
    assert (first["before"], second["before"], second["next"]) == (None, 0, None)
    assert first["sum_micros"] == second["sum_micros"] == 0


@pytest.mark.parametrize("scanned", [5, 100_000])
@pytest.mark.parametrize("name", ["a-1", "a-2", "system:consumption"])
def test_every_page_of_a_history_says_the_balances_that_were(
    browse: Browse, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch, name: str, scanned: int
) -> None:
    """However far back a page lies, and though a page may have nothing to show."""
    monkeypatch.setattr(history, "EVENTS_SCANNED_MAX", scanned)
    client, found, until = browse("auditor"), [], ""
    while True:
        page = client.get(f"{ADDRESS}account/", {"name": name, "until": until}).context["history"]
        found += page.lines
        if page.older is None:
            break
        until = str(page.older)

    assert found[0].balance_micros == ledger_with_events.balance(name)
    assert [line.balance_micros - line.change_micros for line in found] == [
        *(line.balance_micros for line in found[1:]),
        0,
    ]
    assert page.is_complete


def test_a_balance_is_drawn_as_steps_with_a_table_beside_and_values_for_the_script(
    browse: Browse, ledger_with_events: Ledger
) -> None:
    """The last value drawn is the balance; it is a picture without JavaScript."""
    response = browse("auditor").get(f"{ADDRESS}account/", {"name": "a-1"})

    page, shown = response.content.decode(), response.context["chart"]
    plain = json.loads(re.search(r'<script id="chart-balance-values"[^>]*>(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    path = re.search(r'<path class="line s1" d="([^"]*)"', page)
    assert path is not None
    assert re.fullmatch(r"M[\d. ]+h0(H[\d.]+V[\d.]+)+", path[1])
    assert plain["lines"][0]["values"][-1] * 1_000_000 == ledger_with_events.balance("a-1")
    assert plain["xs"][0] == 0
    assert (plain["stepped"], plain["zone"], plain["begins"] > 1_700_000_000) == (True, "", True)
    assert shown.table.rows[-1][1] == f"{ledger_with_events.balance('a-1') / 1_000_000:.2f}"
    assert "all from the beginning" in page


@pytest.mark.parametrize(("name", "said"), [("once", "1.25"), ("system:withdrawal", "Nothing was ever moved")])
def test_an_account_that_moved_once_or_never_has_no_line(
    browse: Browse, ledger_with_events: Ledger, name: str, said: str
) -> None:
    """One point is no course; nothing at all is said."""
    create = commands.CreateAgent(agent="once", initial_micros=1_250_000)
    ledger_with_events.execute(create, key="once", actor="user:1", correlation="c")

    response = browse("auditor").get(f"{ADDRESS}account/", {"name": name})

    assert response.context["chart"] is None
    assert said in response.content.decode()


def test_a_german_reader_sees_amounts_and_days_as_germans_write_them(
    browse: Browse, ledger_with_events: Ledger
) -> None:
    """In the table beside the chart too."""
    with translation.override("de"):
        client = browse("auditor")
        chart = client.get(f"{ADDRESS}account/", {"name": "a-2"}, headers={"accept-language": "de"}).context["chart"]

    assert chart.table.rows[-1][1] == "1.006,50"
    assert re.search(r"\d+\. \w+\.? \d{4}", chart.table.rows[0][0])


def test_what_matches_rarely_is_looked_for_in_stretches(
    browse: Browse, ledger_with_events: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty page says how far it looked and leads on; going on finds it, and going back works too."""
    monkeypatch.setattr(reading, "EVENTS_SCANNED_MAX", 20)
    client = browse("auditor")
    query: dict[str, str] = {"type": "agent.created"}
    first = client.get(ADDRESS, query)
    seen, page = 0, first.context["page"]
    while page.older is not None:
        page = client.get(ADDRESS, {**query, "until": str(page.older)}).context["page"]
        seen += len(page.lines)
    back = client.get(ADDRESS, {**query, "after": str(page.newer)}).context["page"]

    assert "No event matches in this stretch of the journal" in first.content.decode()
    assert seen == 2
    assert back.newer is not None


def test_a_journal_of_more_streams_asks_the_database_no_more(browse: Browse, ledger_with_events: Ledger) -> None:
    """Streams, accounts, a balance and the verification: as many queries as the frame of the site asks."""
    client = browse("auditor")
    addresses = [ADDRESS + name for name in ("streams/", "accounts/", "account/?name=a-1", "verification/")]
    before = [queries_of(client, address) for address in (*addresses, *addresses)][4:]
    for number in range(40):
        create = commands.CreateAgent(agent=f"more-{number}", initial_micros=1)
        ledger_with_events.execute(create, key=f"more-{number}", actor="user:1", correlation="c")

    assert [queries_of(client, address) for address in addresses] == before
    assert max(before) <= 12


def queries_of(client: Client, address: str) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)
