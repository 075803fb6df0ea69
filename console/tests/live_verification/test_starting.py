"""Starting it: in a process of its own, for the record of whoever may, bound to the journal that was read."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.utils import timezone

from console.checklist import JournalFact
from console.kernel.acts import Actor
from console.kernel.models import AuditEntry, Person
from console.models import LiveVerification
from console.releases import Look
from console.releases.checking import _journal
from console.tests.waiting import wait_until
from ledger.actions import close_live_ledger, live_ledger, reset_ledger
from ledger.tests.verifying.conftest import AGENTS, damage, verify_here
from ledger.verifying.standing import Standing, State
from ledger.verifying.starting import carry_out, place_of, standing_of, start_verification

PATIENCE_SECONDS = 60
Start = Callable[[Actor], bool]


@pytest.fixture
def start(journal: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """As the button does it; the process opens the database of the test."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "console.settings")
    return lambda actor: start_verification(actor=actor, journal=journal)


def stand_still(journal: Path) -> Standing:
    """How it stands when nobody is at it any more."""
    wait_until(
        lambda: not standing_of(journal).is_running, timeout_seconds=PATIENCE_SECONDS, what="the end of a verification"
    )
    return standing_of(journal)


@pytest.mark.django_db(transaction=True)
def test_it_is_carried_out_beside_and_put_on_record_with_what_was_read(
    start: Start, journal: Path, engineer: Actor
) -> None:
    """The row and its audit entry name the head that was read and the moment when reading began."""
    before = timezone.now()
    is_new = start(engineer)
    at_once = standing_of(journal)
    done = stand_still(journal)

    row = LiveVerification.objects.get()
    entry = AuditEntry.objects.get(act="journal.verify")
    assert (is_new, at_once.state, at_once.begun and at_once.begun.by) == (True, State.RUNNING, str(engineer.person))
    assert (done.state, done.is_on_record) == (State.DONE, True)
    assert done.outcome is not None
    assert (row.events, row.head, row.is_sound) == (2 * AGENTS, live_ledger().head.hash, True)
    assert before <= row.at == datetime.fromisoformat(done.outcome.began_at) <= timezone.now()
    assert (entry.actor, row.person) == (engineer.label, engineer.person)
    assert f'"seq":{live_ledger().head.seq}' in entry.after


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_leaves_nothing_on_record_and_is_started_again(
    start: Start, journal: Path, engineer: Actor
) -> None:
    """It hangs in a segment that never ends; another press starts none beside it, and after its death a new one."""
    segment = next((journal / "segments").glob("*.jsonl"))
    whole = segment.rename(segment.with_suffix(".aside"))
    os.mkfifo(segment)
    started = [start(engineer) for _ in range(3)]
    (child,) = (one for one in psutil.Process().children() if "verify_journal" in one.cmdline())
    child.kill()
    broken_off = stand_still(journal)
    segment.unlink()
    whole.rename(segment)
    rows_before = LiveVerification.objects.count()
    again = start(engineer)

    assert (started, broken_off.state, rows_before) == ([True, False, False], State.INTERRUPTED, 0)
    assert (again, stand_still(journal).state, LiveVerification.objects.count()) == (True, State.DONE, 1)


@pytest.mark.django_db
def test_what_somebody_read_who_only_reads_is_shown_and_not_put_on_record(journal: Path) -> None:
    """Nothing that a release could rest on."""
    standing = verify_here(journal)

    assert (standing.state, standing.is_on_record) == (State.DONE, False)
    assert not LiveVerification.objects.exists()


@pytest.mark.django_db
def test_whoever_joins_a_reading_and_may_has_it_on_record(journal: Path, engineer: Actor) -> None:
    """One reading serves both."""
    standing = verify_here(journal, records_for=[None, engineer.person.pk])

    assert standing.is_on_record
    assert LiveVerification.objects.get().person == engineer.person


@pytest.mark.django_db
def test_an_imported_journal_never_goes_on_record(journal: Path, engineer: Actor) -> None:
    """Releases rest on the live one."""
    assert not verify_here(journal, records_for=[engineer.person.pk], is_live=False).is_on_record
    assert not LiveVerification.objects.exists()


@pytest.mark.django_db
def test_who_is_deactivated_while_it_is_read_puts_nothing_on_record(journal: Path, engineer: Actor) -> None:
    """What they may at the end counts, and the refusal is in the trail."""
    place = place_of(journal)
    held = place.begin(at=timezone.now().isoformat(), by="E", records_for=engineer.person.pk)
    Person.objects.filter(pk=engineer.person.pk).update(is_active=False)

    carry_out(journal, place=place, is_live=True)

    assert not LiveVerification.objects.exists()
    assert AuditEntry.objects.get(act="journal.verify").outcome == "refused"
    assert held is not None
    os.close(held)


def _lost(journal: Path) -> None:
    (journal / "journal.json").unlink()


def journal_fact() -> JournalFact | None:
    """What a checklist says of it now."""
    return _journal(Look(now=timezone.now()).verification)


@pytest.mark.django_db
@pytest.mark.parametrize("plant", [damage, _lost])
def test_a_journal_found_damaged_or_gone_takes_back_what_was_sound_before(
    journal: Path, engineer: Actor, plant: Callable[[Path], None]
) -> None:
    """The last one counts, also when nothing could be read."""
    verify_here(journal, records_for=[engineer.person.pk])
    sound = journal_fact()
    close_live_ledger()
    plant(journal)
    verify_here(journal, records_for=[engineer.person.pk])
    after = journal_fact()

    assert sound is not None
    assert sound.is_sound
    assert after is not None
    assert not after.is_sound


@pytest.mark.django_db
def test_a_journal_that_was_begun_since_is_not_the_one_that_was_verified(
    journal: Path, engineer: Actor, settings: Any
) -> None:
    """The archived one takes its verification with it."""
    verify_here(journal, records_for=[engineer.person.pk])
    before = journal_fact()
    reset_ledger(actor=None)
    live_ledger()

    assert before is not None
    assert journal_fact() is None


@pytest.mark.django_db
def test_a_verification_is_as_old_as_the_beginning_of_its_reading(journal: Path, engineer: Actor) -> None:
    """However long it took: what came later was not read for sure."""
    verify_here(journal, records_for=[engineer.person.pk])

    assert timezone.now() - LiveVerification.objects.get().at < timedelta(minutes=10)
    outcome = standing_of(journal).outcome
    assert outcome is not None
    assert LiveVerification.objects.get().at.isoformat() == outcome.began_at
