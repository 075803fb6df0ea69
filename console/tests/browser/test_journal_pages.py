"""The journal browser: filters, cursor, causes and effects, the events behind a balance, the check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from ledger import Ledger

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/journal/"
Browse = Callable[[str], Client]


def test_an_empty_journal_says_what_writes_the_first_events(browse: Browse, storage: Path) -> None:
    """Opening the page of a new installation shows the engine's own first record and no error."""
    response = browse("auditor").get(ADDRESS, {"type": "credit.*"})

    assert response.status_code == 200
    assert "No event matches" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"stream": "agent:a-2"}, 3),
        ({"type": "credit.transferred"}, 1),
        ({"type": "credit.*", "correlation": "mission-8"}, 1),
        ({"before": "2001-01-01T00:00"}, 0),
        ({"stream": "agent:nobody"}, 0),
    ],
)
def test_events_are_filtered_by_stream_type_time_and_correlation(
    browse: Browse, ledger_with_events: Ledger, query: dict[str, str], count: int
) -> None:
    """Each filter shows what the journal holds, and filters combine."""
    page = browse("auditor").get(ADDRESS, query).context["page"]

    assert len(page.lines) == count


def test_a_time_nobody_understands_is_named_with_an_example(browse: Browse, ledger_with_events: Ledger) -> None:
    """The rest of the filter still works."""
    page = browse("auditor").get(ADDRESS, {"since": "yesterday"}).content.decode()

    assert "“yesterday” is not a time. Write it as 2026-11-20T12:00." in page


def test_the_cursor_walks_to_the_first_event_and_back_without_gap_or_repetition(
    browse: Browse, ledger_with_events: Ledger
) -> None:
    """Older and newer pages together hold every event once, although the journal may grow meanwhile."""
    client = browse("auditor")
    first = client.get(ADDRESS).context["page"]
    second = client.get(ADDRESS, {"until": first.older}).context["page"]
    back = client.get(ADDRESS, {"after": second.newer}).context["page"]

    seen = [line.event.seq for line in (*first.lines, *second.lines)]
    assert seen == list(range(ledger_with_events.head.seq, 0, -1))
    assert [line.event.seq for line in back.lines] == [line.event.seq for line in first.lines[:-1]] + [
        first.lines[-1].event.seq
    ]


def test_an_event_links_its_cause_and_its_effects(browse: Browse, ledger_with_events: Ledger) -> None:
    """The collaboration names the rewards it caused, and each reward the collaboration."""
    client = browse("auditor")
    cause = next(iter(ledger_with_events.events(types=["synergy.collaboration_recorded"])))
    effects = list(ledger_with_events.events(types=["synergy.rewarded"]))

    of_cause = client.get(f"{ADDRESS}event/{cause.seq}/").context
    of_effect = client.get(f"{ADDRESS}event/{effects[0].seq}/").context

    assert [line.event.seq for line in of_cause["effects"]] == [event.seq for event in effects]
    assert of_effect["cause"].event.seq == cause.seq


def test_an_event_that_does_not_exist_is_a_404(browse: Browse, ledger_with_events: Ledger) -> None:
    """Beyond the head there is nothing."""
    assert browse("auditor").get(f"{ADDRESS}event/{ledger_with_events.head.seq + 1}/").status_code == 404


def test_every_account_is_listed_and_the_sum_is_zero(browse: Browse, ledger_with_events: Ledger) -> None:
    """Double entry shows on the page."""
    context = browse("auditor").get(f"{ADDRESS}accounts/").context

    assert {name for name, _balance in context["accounts"]} >= {"agent:a-1", "agent:a-2", "system:issuance"}
    assert context["sum_micros"] == 0


def test_the_events_behind_a_balance_add_up_over_all_pages(browse: Browse, ledger_with_events: Ledger) -> None:
    """Transfers from another stream are there too; the oldest page proves that the account began at zero."""
    client = browse("auditor")
    first = client.get(f"{ADDRESS}account/", {"name": "a-1"}).context["history"]
    last = client.get(f"{ADDRESS}account/", {"name": "a-1", "until": first.older}).context["history"]
    of_payee = client.get(f"{ADDRESS}account/", {"name": "agent:a-2"}).context["history"]

    changes = [line.change_micros for line in (*first.lines, *last.lines)]
    assert sum(changes) == ledger_with_events.balance("a-1")
    assert first.lines[-1].balance_micros - first.lines[-1].change_micros == last.lines[0].balance_micros
    assert last.is_complete
    assert [line.line.event.type for line in of_payee.lines][1] == "credit.transferred"


def test_an_account_nobody_created_leads_back_with_the_reason(browse: Browse, ledger_with_events: Ledger) -> None:
    """The message names the account."""
    page = browse("auditor").get(f"{ADDRESS}account/", {"name": "nobody"}, follow=True).content.decode()

    assert "nobody" in page


def test_the_check_holds_on_a_sound_journal_and_asks_for_post(browse: Browse, ledger_with_events: Ledger) -> None:
    """It reads everything, so it does not happen by following a link."""
    client = browse("auditor")

    report = client.post(f"{ADDRESS}check/").context["report"]

    assert report.is_held
    assert report.event_count == ledger_with_events.head.seq
    assert client.get(f"{ADDRESS}check/").status_code == 405


def test_the_check_finds_an_amount_that_was_edited_in_the_file(
    browse: Browse, ledger_with_events: Ledger, storage: Path
) -> None:
    """A changed digit turns the page red and is named with its place."""
    segment = next((storage / "events" / "credits" / "segments").glob("*.jsonl"))
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"amount_micros":1500000', b'"amount_micros":1500001', 1))

    response = browse("auditor").post(f"{ADDRESS}check/")

    assert not response.context["report"].is_held
    assert "The journal breaks an invariant" in response.content.decode()
