"""`ledger seal`, `ledger snapshot`, `ledger balance`: by hand what the ledger does by itself, and looking back."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.kernel.models import AuditEntry
from ledger import Ledger, commands, released
from ledger.actions import close_live_ledger, live_ledger, live_watch
from ledger.tests.commands.calling import call
from ledger.tests.snapshots.reopening import snapshot_files


@pytest.fixture
def switched_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody who knows says that snapshots of the live journal are on."""
    monkeypatch.setattr(released, "_asked", lambda: True)
    yield
    close_live_ledger()


@pytest.fixture
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without a console."""
    monkeypatch.setattr(released, "_asked", None)


@pytest.mark.django_db
def test_a_journal_is_sealed_by_hand_and_goes_on(live: Path, nobody_asked: None) -> None:
    """Once, and the audit trail says so; a second time there is nothing in the next segment yet."""
    first = call("ledger", "seal")
    second = call("ledger", "seal")

    sealed = next(live_ledger().events(types=["segment.sealed"]))
    assert (first.code, second.code) == (0, 0)
    assert f"Sealed by event {sealed.seq}, hash {sealed.hash}" in first.out
    assert "nothing to seal" in second.out
    entry = AuditEntry.objects.get(act="journal.seal")
    assert json.loads(entry.after) == {"by": f"cli:{getpass.getuser()}", "hash": sealed.hash, "seq": sealed.seq}
    order = commands.Consume(agent="ann", amount_micros=1, reason="more")
    assert live_ledger().execute(order, key="later", actor="user:1", correlation="c").events
    assert call("ledger", "verify").code == 0


@pytest.mark.django_db
def test_sealing_makes_no_journal_and_writes_to_none_that_is_stopped(live: Path, tmp_path: Path) -> None:
    """A mistyped path stays what it is; a journal that takes no orders takes no seal."""
    missing = call("ledger", "seal", tmp_path / "nowhere")
    (live / "condition.json").write_text("{")
    stopped = call("ledger", "seal")
    live_watch().release()

    assert (missing.code, stopped.code) == (4, 4)
    assert not (tmp_path / "nowhere").exists()
    assert "takes no orders" in stopped.err


def record(journal: Path) -> None:
    """One agent more."""
    ledger = Ledger.open(path=journal)
    order = commands.CreateAgent(agent="ann", initial_micros=1)
    ledger.execute(order, key="a", actor="user:1", correlation="c")
    ledger.close()


def test_a_snapshot_is_taken_by_hand_and_serves_the_next_opening(tmp_path: Path) -> None:
    """It says what it stands on, or that it is there already."""
    journal = tmp_path / "journal"
    record(journal)
    before = call("ledger", "snapshot", journal)
    call("ledger", "seal", journal)

    taken = call("ledger", "snapshot", journal)
    again = call("ledger", "snapshot", journal)

    (snapshot,) = snapshot_files(journal)
    assert "Nothing is sealed yet" in before.out
    assert str(snapshot) in taken.out
    assert "there already" in again.out
    assert {one.code for one in (before, taken, again)} == {0}


@pytest.mark.django_db
def test_the_live_journal_gets_no_snapshot_before_a_release_allows_it(live: Path, nobody_asked: None) -> None:
    """The refusal says what it takes; sealing alone takes none either."""
    call("ledger", "seal")
    close_live_ledger()

    done = call("ledger", "snapshot")

    assert done.code == 4
    assert "phase 6a must be released" in done.err
    assert snapshot_files(live) == []


@pytest.mark.django_db(transaction=True)
def test_switched_on_the_live_journal_gets_one_after_each_seal(live: Path, switched_on: None) -> None:
    """By a process of its own; `ledger snapshot` works as well."""
    call("ledger", "seal")
    close_live_ledger()

    assert len(snapshot_files(live)) == 1
    assert "there already" in call("ledger", "snapshot").out


def test_a_balance_is_told_as_it_was_behind_an_event(live: Path) -> None:
    """Before the order and after it, with the time; what nobody knows is refused."""
    consumed = next(live_ledger().events(types=["credit.consumed"]))
    now = live_ledger().balance("ann")

    before = call("ledger", "balance", "ann", "--at", consumed.seq - 1)
    after = call("ledger", "balance", "ann")

    assert f"{(now + 5_000_000) / 1_000_000:g}" in before.out
    assert f"{now / 1_000_000:g}" in after.out
    assert consumed.time in after.out
    assert call("ledger", "balance", "ann", "--at", 999).code == 4
    assert "no event 999" in call("ledger", "balance", "ann", "--at", 999).err
    assert call("ledger", "balance", "zoe").code == 4


def test_the_approvals_of_then_are_told(tmp_path: Path) -> None:
    """Those that waited behind that event."""
    record(tmp_path / "journal")
    ledger = Ledger.open(path=tmp_path / "journal")
    before = ledger.head.seq
    asked = commands.RequestApproval(
        request="big-one", action_type="deploy", risk_level="MEDIUM", context="c", requester="ann"
    )
    ledger.execute(asked, key="r", actor="u", correlation="c")
    ledger.close()

    assert "big-one" in call("ledger", "balance", "ann", "--journal", tmp_path / "journal").out
    assert "big-one" not in call("ledger", "balance", "ann", "--at", before, "--journal", tmp_path / "journal").out
