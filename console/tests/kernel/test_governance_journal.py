"""The relay: every committed entry is in the governance journal before the answer, and what failed is caught up."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from console.kernel import audit, governance_journal
from console.kernel.authority import Role
from console.kernel.governance_journal import ACT_BEGUN, RelayFailed
from console.kernel.models import AuditEntry
from console.tests.people import actor_with
from console.tests.racing import at_once
from ledger import Event, LedgerError, NewEvent, verify
from ledger.tests.credits.planting import write_as_another_version

pytestmark = pytest.mark.django_db(transaction=True)


def record(*, count: int = 1) -> None:
    """Commit entries, one at a time."""
    actor = actor_with(Role.TESTER)
    for number in range(count):
        with transaction.atomic():
            audit.record(actor=actor, act="run.request", object=f"run:{number}", after={"word": "Grün"})


def relayed(directory: Path) -> list[dict[str, Any]]:
    """The entries that the journal holds, in its order; the journal itself is verified on the way."""
    events: list[Event] = []
    assert verify(path=directory, take=events.append).is_sound
    return [event.data for event in events if event.type == "audit.recorded"]


def test_a_committed_entry_is_in_the_journal_at_once(trail: Path) -> None:
    """Every field of it, before the answer goes out."""
    record()

    last = relayed(trail)[-1]
    entry = AuditEntry.objects.latest("index")
    assert last == governance_journal.content_of(entry)
    assert last["hash"] == audit.head().hash
    assert governance_journal.state().pending == 0


def test_what_is_rolled_back_is_never_in_the_journal(trail: Path) -> None:
    """The relay begins after the commit."""
    before = len(relayed(trail))

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
        raise ZeroDivisionError

    assert len(relayed(trail)) == before


def test_the_chain_names_the_journal_that_was_begun(trail: Path) -> None:
    """Beginning again changes nothing."""
    governance_journal.begin()

    assert AuditEntry.objects.filter(act=ACT_BEGUN).count() == 1
    assert governance_journal.begun_id() == governance_journal.id_in_place()


def test_a_chain_that_is_older_than_its_journal_is_caught_up(tmp_path: Path, settings: Any) -> None:
    """An installation that had no journal gets every entry from the first one on."""
    settings.STORAGE = tmp_path
    record(count=5)
    assert not governance_journal.state().is_begun

    governance_journal.begin()

    assert [entry["index"] for entry in relayed(tmp_path / "events" / "governance")] == list(
        range(1, audit.head().index + 1)
    )
    governance_journal.close()


def test_relaying_again_writes_nothing_twice(trail: Path) -> None:
    """It goes on after the last index that the journal holds."""
    record(count=3)
    before = relayed(trail)

    governance_journal.relay()

    assert relayed(trail) == before


def test_a_failed_relay_shows_and_is_caught_up_later(trail: Path, settings: Any) -> None:
    """The act itself holds; the entries that are missing are counted, and written once the journal can be again."""
    aside = trail.with_name("aside")
    trail.rename(aside)

    record(count=3)

    state = governance_journal.state()
    assert state.is_behind
    assert isinstance(state.failure, RelayFailed)
    governance_journal.close()
    aside.rename(trail)
    assert governance_journal.state().pending == 3
    record()
    assert not governance_journal.state().is_behind
    assert [entry["index"] for entry in relayed(trail)] == list(range(1, audit.head().index + 1))


def test_an_entry_on_its_way_is_no_alarm_and_one_that_stays_behind_is(
    trail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that looks between the commit and the event sees nothing wrong, unless the event never comes."""
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
        on_its_way = governance_journal.state()
        monkeypatch.setattr(governance_journal, "RELAY_TAKES", timedelta(0))
        left_behind = governance_journal.state()

    assert (on_its_way.pending, on_its_way.is_behind) == (1, False)
    assert (left_behind.pending, left_behind.is_behind) == (1, True)
    assert governance_journal.state().pending == 0


def test_a_journal_that_was_deleted_is_not_made_anew_in_silence(trail: Path) -> None:
    """Otherwise whoever edits the chain would delete the journal and have the console write a matching one."""
    shutil.rmtree(trail)

    record()

    assert not trail.exists()
    assert "is gone" in str(governance_journal.state().failure)


def test_a_journal_that_was_exchanged_is_not_written_to(trail: Path) -> None:
    """Another journal's id is not the one that the chain names."""
    governance_journal.close()
    shutil.rmtree(trail)
    governance_journal._open()

    record()

    assert "another journal" in str(governance_journal.state().failure)
    assert relayed(trail) == []


def test_a_new_journal_takes_a_reason_and_is_told_in_the_chain(trail: Path) -> None:
    """The lost one is named; the new one holds the whole chain."""
    lost = governance_journal.begun_id()
    shutil.rmtree(trail)

    governance_journal.begin(reason="the disk failed")

    entry = AuditEntry.objects.filter(act=ACT_BEGUN).latest("index")
    assert lost in entry.after
    assert "the disk failed" in entry.after
    assert not governance_journal.state().is_behind
    assert len(relayed(trail)) == audit.head().index


def test_a_damaged_journal_is_set_aside_and_not_deleted(trail: Path) -> None:
    """It may still be evidence."""
    governance_journal.begin(reason="found a flipped bit")

    assert len([path for path in trail.parent.iterdir() if path.name.startswith("governance-until-")]) == 1


def test_threads_relay_each_entry_once_and_in_order(trail: Path) -> None:
    """Whoever commits relays, also what somebody else has committed meanwhile."""
    actor = actor_with(Role.TESTER)

    def work() -> None:
        for number in range(5):
            with transaction.atomic():
                audit.record(actor=actor, act="run.request", object=f"run:{number}")

    at_once([work] * 4)

    assert [entry["index"] for entry in relayed(trail)] == list(range(1, audit.head().index + 1))
    assert not governance_journal.state().is_behind


def test_an_entry_of_a_newer_schema_is_refused_and_not_guessed(trail: Path) -> None:
    """Relaying fails by name and goes on where the version that knows it left off."""
    governance_journal.close()
    write_as_another_version(trail, NewEvent(stream="audit", type="audit.recorded", data={}, schema=2))
    before = len(list(trail.glob("segments/*")))

    record()

    failure = governance_journal.state().failure
    assert isinstance(failure, LedgerError)
    assert failure.code == "unknown-schema"
    assert failure.params["schema"] == 2
    assert len(list(trail.glob("segments/*"))) == before
