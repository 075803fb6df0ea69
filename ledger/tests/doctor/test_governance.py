"""The other live journal, which follows the audit trail: examined beside the one of credits, and mended as that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.kernel import governance_journal
from console.kernel.models import AuditEntry
from ledger.actions import close_live_ledger
from ledger.tests.commands.calling import call
from ledger.tests.commands.conftest import live, storage
from ledger.tests.doctor import damages

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
