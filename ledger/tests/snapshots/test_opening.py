"""Opening from a snapshot: only the tail is folded, the state is the same, and everything sealed still works."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from ledger import Journal, Ledger, commands, verify
from ledger.credits.snapshots import take_snapshot
from ledger.engine.errors import ReadOnly
from ledger.tests.credits.orders import CREDIT, Desk
from ledger.tests.engine.counting import Counting, event, opened, record
from ledger.tests.snapshots.reopening import SNAPSHOTS, LaterDesk, reopened, seq_of, snapshot_files


@pytest.mark.parametrize("read_only", [False, True])
def test_a_valid_snapshot_spares_everything_before_it(home: Path, read_only: bool) -> None:
    """The newest one is used, only the tail is folded, and the state is that of a full replay."""
    full = reopened(home, from_snapshot=False, read_only=True)

    found = reopened(home, read_only=read_only)

    assert found.began_behind == seq_of(snapshot_files(home)[-1]) > 60
    assert full.began_behind == 0
    assert found._replace(began_behind=0, state="") == full._replace(state="")
    assert found.warnings == ()


def test_keys_versions_and_events_of_sealed_segments_are_found_behind_a_snapshot(home: Path) -> None:
    """An old key is answered and not charged again, a version goes on, and reading spans everything."""
    desk = LaterDesk(home)
    before = desk.ledger.accounts()

    again = desk.consume("bob", 1, key="spent-0-0")
    fresh = desk.consume("bob", 2)

    assert again.is_repeated
    assert desk.ledger.balance("bob") == before["agent:bob"] - 2 * CREDIT
    assert [one.seq for one in desk.ledger.events()] == list(range(1, fresh.events[0].seq + 1))
    assert fresh.events[0].version == sum(1 for one in desk.ledger.events(stream="agent:bob"))
    desk.ledger.close()
    assert verify(path=home).is_sound


def test_writing_goes_on_behind_a_snapshot_and_a_full_replay_agrees(home: Path) -> None:
    """More orders, more seals, another snapshot: with and without snapshots the journal means the same."""
    desk = LaterDesk(home)
    for number in range(40):
        desk.consume("cat", 1 + number % 5)
    desk.ledger.journal.seal()
    taken = take_snapshot(path=home)
    desk.consume("cat", 1)
    live = desk.ledger.state_digest()
    desk.ledger.close()

    assert reopened(home).began_behind == taken.seq
    assert reopened(home).digest == reopened(home, from_snapshot=False).digest == live


def test_the_last_three_are_kept_and_leftovers_go(home: Path) -> None:
    """A fourth snapshot drops the oldest, and what a killed process left half written."""
    oldest, *newer = snapshot_files(home)
    (home / "snapshots" / "00000000000000000099.json.tmp").write_bytes(b"half of it")
    desk = LaterDesk(home)
    desk.ledger.journal.seal()
    desk.ledger.close()

    taken = take_snapshot(path=home)

    assert snapshot_files(home) == [*newer, taken.path]
    assert len(newer) == SNAPSHOTS - 1
    assert not oldest.exists()
    assert {path.suffix for path in (home / "snapshots").iterdir()} == {".json"}


def test_a_snapshot_that_is_there_is_not_made_again(home: Path) -> None:
    """And the next one folds only what came after it."""
    assert not take_snapshot(path=home).is_new
    desk = LaterDesk(home)
    desk.ledger.journal.seal()
    desk.ledger.close()
    before = seq_of(snapshot_files(home)[-1])

    taken = take_snapshot(path=home)

    assert taken.folded_count == taken.seq - before


def test_a_snapshot_that_went_bad_is_made_again_from_the_one_before_it(home: Path) -> None:
    """It is said which one was passed over."""
    snapshot = snapshot_files(home)[-1]
    content = snapshot.read_bytes()
    snapshot.write_bytes(content[:-1])

    taken = take_snapshot(path=home)

    assert taken.is_new
    assert str(taken.seq) in taken.passed_over[0]
    assert snapshot.read_bytes() == content


def test_every_byte_of_a_snapshot_is_as_described(home: Path) -> None:
    """Header, rows, end: a second implementation reads it with a JSON parser and SHA-256."""
    import hashlib

    content = snapshot_files(home)[0].read_bytes()
    header, *rows, end = [json.loads(line) for line in content.splitlines()]
    facts = json.loads((home / "journal.json").read_bytes())
    sealed = next(Journal.open(path=home, state=Counting(), read_only=True).read(after=header["seq"] - 1, limit=1))

    assert header == {
        "format": "gatehouse-snapshot-1",
        "journal": facts["journal_id"],
        "seq": sealed.seq,
        "hash": sealed.hash,
        "state": 2,
    }
    assert sealed.type == "segment.sealed"
    assert rows[1] == ["account", "system:consumption", 210 * CREDIT, None, 0, None]
    assert [row[1] for row in rows if row[0] == "account"][4:] == ["agent:ann", "agent:bob", "agent:cat"]
    body = content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    assert end == {"end": header["seq"], "sha256": hashlib.sha256(body).hexdigest()}


def test_taking_a_snapshot_waits_for_no_writer_and_no_writer_waits_for_it(home: Path) -> None:
    """With the writers' lock held a snapshot is taken; with the builder's lock held orders are answered."""
    desk = LaterDesk(home)
    desk.ledger.journal.seal()
    lock = os.open(home / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        builder = threading.Thread(target=take_snapshot, kwargs={"path": home})
        builder.start()
        builder.join(60)
        assert not builder.is_alive()
    finally:
        os.close(lock)
    manifest = os.open(home / "manifest.jsonl", os.O_RDWR)
    fcntl.flock(manifest, fcntl.LOCK_EX)
    try:
        writer = threading.Thread(target=desk.consume, args=("cat", 1))
        writer.start()
        writer.join(60)
        assert not writer.is_alive()
    finally:
        os.close(manifest)
    desk.ledger.close()


def test_a_ledger_that_takes_snapshots_has_one_taken_after_a_seal_by_a_process_of_its_own(tmp_path: Path) -> None:
    """When it is closed the process is done, and the next opening begins with what it made."""
    desk = Desk(tmp_path / "journal", segment_bytes=4096, takes_snapshots=True)
    desk.open_account("ann")
    for _ in range(20):
        desk.consume("ann", 1)
    live = desk.ledger.state_digest()
    desk.ledger.close()

    found = reopened(desk.path)

    assert found.began_behind > 0
    assert found.digest == live


def test_without_the_option_no_snapshot_is_taken(tmp_path: Path) -> None:
    """Also not when segments are sealed."""
    desk = Desk(tmp_path / "journal", segment_bytes=4096)
    desk.open_account("ann")
    for _ in range(20):
        desk.consume("ann", 1)
    desk.ledger.close()

    assert snapshot_files(desk.path) == []


def test_a_journal_without_a_seal_has_nothing_to_take(tmp_path: Path) -> None:
    """That is no error: a snapshot stands behind a seal."""
    Ledger.open(path=tmp_path / "journal").close()

    assert take_snapshot(path=tmp_path / "journal").seq == 0


def test_a_state_that_cannot_be_restored_is_folded_from_the_first_event(tmp_path: Path) -> None:
    """The engine knows states that are no SnapshotState; a directory of snapshots does not disturb them."""
    home = tmp_path / "events" / "credits"
    journal = opened(home)
    record(journal, "k", event())
    journal.seal()
    journal.close()
    shutil.copytree(home / "segments", home / "snapshots")

    again = opened(home)

    assert again.head.seq == 4
    assert again.status.warnings == ()
    again.close()


def test_sealing_by_hand_seals_once(tmp_path: Path) -> None:
    """A segment that holds nothing but its opening is not sealed again; a reader may not."""
    desk = Desk(tmp_path / "journal")
    desk.open_account("ann")
    journal = desk.ledger.journal

    journal.seal()
    journal.seal()

    assert journal.status.segments == 2
    assert [one.type for one in journal.read(stream="system:journal")].count("segment.sealed") == 1
    desk.order(commands.AddCredits(agent="ann", amount_micros=CREDIT, reason="more"))
    desk.ledger.close()
    reader = Ledger.open(path=desk.path, read_only=True)
    with pytest.raises(ReadOnly):
        reader.journal.seal()
    reader.close()
