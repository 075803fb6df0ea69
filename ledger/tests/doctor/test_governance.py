"""The other live journal, which follows the audit trail: examined, mended and sealed as the one of credits is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from console.kernel import audit, governance_journal
from console.kernel.governance_journal import RelayFailed
from console.kernel.models import AuditEntry
from ledger.actions import close_live_ledger
from ledger.ageing import is_a_day_old
from ledger.engine.layout import Layout
from ledger.tests.commands.calling import call
from ledger.tests.commands.conftest import live, storage
from ledger.tests.doctor import damages
from ledger.tests.test_ageing import HOUR_MICROS, Later

__all__ = ["live", "storage"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def governance(live: Path) -> Iterator[Path]:
    """One that holds what the trail has, its own beginning too."""
    close_live_ledger()
    governance_journal.begin()
    governance_journal.close()
    yield governance_journal.directory()
    governance_journal.close()


def test_the_doctor_examines_both_when_none_is_named(live: Path, governance: Path) -> None:
    """Each with what it holds."""
    done = call("ledger", "doctor")

    assert done.code == 0
    assert done.out.index(f"{live} (") < done.out.index(f"{governance} (")
    assert "accounts" in done.out
    assert f"entries of the trail    {AuditEntry.objects.count()}\n" in done.out


def test_a_flipped_byte_of_it_is_named_and_mended_and_it_follows_on(governance: Path) -> None:
    """With a record of the repair in it; verify knows its events, and the trail is relayed to it as before."""
    damages.flip(governance, 0, 1)

    named = call("ledger", "doctor")
    mended = call("ledger", "doctor", governance, "--repair", "restore-byte", "--yes")
    governance_journal.relay()

    assert named.code == 1
    assert "Segment 00000000000000000001.jsonl is damaged in line 2" in named.out
    assert mended.code == 0
    assert "verify: sound" in mended.out
    assert call("ledger", "verify", governance).code == 0
    found = governance_journal.state()
    assert (found.failure, found.pending) == (None, 0)
    assert found.head == found.relayed > 1


def test_it_is_sealed_without_an_entry_that_would_be_sealed_in_its_turn(governance: Path) -> None:
    """The next segment is empty until something happens; the trail goes on in it."""
    later = Later()
    later.later_micros = 25 * HOUR_MICROS
    before = AuditEntry.objects.count()
    was_due = is_a_day_old(Layout(governance), env=later)

    governance_journal.seal()

    assert (was_due, is_a_day_old(Layout(governance), env=later)) == (True, False)
    assert AuditEntry.objects.count() == before
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
    governance_journal.relay()
    assert is_a_day_old(Layout(governance), env=later)
    assert governance_journal.state().pending == 0


def test_what_stands_in_its_place_is_not_sealed_for_it(governance: Path) -> None:
    """Nothing is made where the journal that was begun is gone."""
    shutil.rmtree(governance)

    with pytest.raises(RelayFailed):
        governance_journal.seal()

    assert not governance.exists()
