"""The journal browser: filters, cursor, causes and effects, the events behind a balance, the verification."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from ledger import Ledger, commands
from ledger.tests.verifying.conftest import verify_here
from ledger.verifying.standing import Progress
from ledger.verifying.starting import place_of

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


def test_an_amount_that_is_only_asked_for_is_not_shown_as_moved(browse: Browse, ledger_with_events: Ledger) -> None:
    """A request for approval names an amount and no accounts; its content says it, and nothing says that it went."""
    order = commands.RequestApproval(
        request="r", action_type="spend", risk_level="HIGH", context="a purchase", requester="user:2", amount_micros=7
    )
    asked = ledger_with_events.execute(order, key="r", actor="user:2", correlation="r").events[0]
    client = browse("auditor")

    pages = [client.get(f"{ADDRESS}event/{asked.seq}/"), client.get(ADDRESS, {"type": "approval.requested"})]

    assert all(page.status_code == 200 and "→" not in page.content.decode() for page in pages)
    assert "&quot;amount_micros&quot;: 7" in pages[0].content.decode()


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


def test_a_journal_that_was_never_verified_offers_to_and_looking_changes_nothing(
    browse: Browse, ledger_with_events: Ledger, storage: Path
) -> None:
    """Following the link starts nothing."""
    page = browse("auditor").get(f"{ADDRESS}verification/").content.decode()

    assert "Not verified here yet" in page
    assert page.count("Verify the journal") == 1
    assert not (storage / "verifications").exists()


def test_a_sound_journal_is_said_with_what_was_read_and_what_came_since(
    browse: Browse, ledger_with_events: Ledger, storage: Path
) -> None:
    """And whether a release can rest on it."""
    head = ledger_with_events.head
    verify_here(storage / "events" / "credits")
    create = commands.CreateAgent(agent="late", initial_micros=1)
    ledger_with_events.execute(create, key="late", actor="user:1", correlation="late")

    page = browse("auditor").get(f"{ADDRESS}verification/").content.decode()

    assert "The journal is sound: every invariant holds" in page
    assert f'data-copy="{head.hash}"' in page
    assert "2 events were recorded since." in page
    assert "It is not on record for releases. This takes one of these roles:" in " ".join(page.split())


def test_an_amount_that_was_edited_in_the_file_is_found_and_named(
    browse: Browse, ledger_with_events: Ledger, storage: Path
) -> None:
    """A changed digit turns the page red and is named with its place."""
    segment = next((storage / "events" / "credits" / "segments").glob("*.jsonl"))
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"amount_micros":1500000', b'"amount_micros":1500001', 1))
    verify_here(storage / "events" / "credits")

    client = browse("auditor")
    page = client.get(f"{ADDRESS}verification/").content.decode()
    german = client.get(f"{ADDRESS}verification/", headers={"Accept-Language": "de"}).content.decode()

    assert "The verification found faults in the journal" in page
    assert "are verified and can be read." in page
    assert "manage.py ledger doctor --repair restore-byte --yes" in page
    assert "It loses: Nothing." in " ".join(page.split())
    assert "erwartet ein Eintrag, der mit" in german
    assert f"{segment.name}, Zeile 6: die Zeile wurde verändert" in german
    assert not any(left in german for left in ("the line was changed", f"{segment.name} line 6", "durable to event"))
    for address in ("/admin/", ADDRESS):
        assert "found faults in the files: its page says what happened" in client.get(address).content.decode()
    assert f"chain of {segment.name} is wrong at line 6" in page
    safe = re.search(r"Events 1 to (\d+) are verified", page)
    assert safe is not None
    assert f'Sound up to event</dt><dd class="num">{safe[1]}<' in page
    assert int(safe[1]) < 6
    assert "recorded since" not in page


@pytest.mark.parametrize("is_running", [True, False])
def test_what_is_running_is_followed_and_what_broke_off_is_said(
    browse: Browse, ledger_with_events: Ledger, storage: Path, is_running: bool
) -> None:
    """With its progress; only the running one asks the server again."""
    place = place_of(storage / "events" / "credits")
    held = place.begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert held is not None
    place.tell(Progress(step=2, done_bytes=1, total_bytes=2))
    if not is_running:
        os.close(held)

    page = browse("auditor").get(f"{ADDRESS}verification/").content.decode()

    assert ('hx-trigger="every 2s"' in page) is is_running
    assert ("Step 2 of 2: every invariant" in page) is is_running
    assert ("it got to 75 %" in page) is not is_running
    if is_running:
        os.close(held)


def test_pressing_while_one_is_running_starts_none_and_says_so(
    browse: Browse, ledger_with_events: Ledger, storage: Path
) -> None:
    """Whoever comes second sees the progress of the first."""
    place = place_of(storage / "events" / "credits")
    held = place.begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert held is not None

    page = browse("auditor").post(f"{ADDRESS}verification/", follow=True).content.decode()

    assert "Somebody has started it already." in page
    assert "started by Ada just now" in " ".join(re.sub(r"<[^>]+>", "", page).split())
    os.close(held)


def test_a_disk_that_refuses_is_said(browse: Browse, ledger_with_events: Ledger, storage: Path) -> None:
    """Nothing is started, and nothing breaks."""
    (storage / "verifications").write_text("in the way")

    page = browse("auditor").post(f"{ADDRESS}verification/", follow=True).content.decode()

    assert "The verification could not be started: Not a directory." in page
