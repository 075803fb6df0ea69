"""What can be wrong with a snapshot: it is passed over and said, and the journal opens all the same."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import verify
from ledger.credits.snapshots import NoSnapshot, take_snapshot
from ledger.tests.engine.disk import FailingDisk
from ledger.tests.snapshots.reopening import LaterDesk, reopened, seq_of, snapshot_files

Spoil = Callable[[Path], object]


def sealed_again(snapshot: Path, change: Callable[[list[bytes]], object]) -> None:
    """Change the lines of a snapshot and give it the end line that belongs to them: a forger's work."""
    lines = snapshot.read_bytes().splitlines(keepends=True)[:-1]
    change(lines)
    body = b"".join(lines)
    end = json.dumps({"end": seq_of(snapshot), "sha256": hashlib.sha256(body).hexdigest()}, separators=(",", ":"))
    snapshot.write_bytes(body + end.encode() + b"\n")


def replaced(snapshot: Path, line: int, old: bytes, new: bytes) -> None:
    """One text in one line, sealed again; it must have been there."""

    def change(lines: list[bytes]) -> None:
        assert old in lines[line]
        lines[line] = lines[line].replace(old, new, 1)

    sealed_again(snapshot, change)


def flipped(snapshot: Path, at: float) -> None:
    """One bit, that far into the file."""
    content = bytearray(snapshot.read_bytes())
    content[int(at * (len(content) - 1))] ^= 0x01
    snapshot.write_bytes(content)


def swapped(snapshot: Path) -> None:
    """Under the name of another one, and the other way round."""
    other = snapshot_files(snapshot.parent.parent)[-2]
    content = snapshot.read_bytes()
    snapshot.write_bytes(other.read_bytes())
    other.write_bytes(content)


SPOILED: dict[str, Spoil] = {
    "a bit flipped in the header": lambda one: flipped(one, 0.0),
    "a bit flipped in the middle": lambda one: flipped(one, 0.5),
    "a bit flipped in the end line": lambda one: flipped(one, 0.99),
    "cut in the middle": lambda one: os.truncate(one, one.stat().st_size // 2),
    "cut by its end line": lambda one: one.write_bytes(b"".join(one.read_bytes().splitlines(True)[:-1])),
    "empty": lambda one: os.truncate(one, 0),
    "not text": lambda one: one.write_bytes(os.urandom(2000)),
    "an older state schema": lambda one: replaced(one, 0, b'"state":2', b'"state":1'),
    "of another journal": lambda one: replaced(one, 0, b'"journal":"', b'"journal":"f'),
    "another format": lambda one: replaced(one, 0, b"snapshot-1", b"snapshot-2"),
    "another history": lambda one: replaced(one, 0, b'"hash":"', b'"hash":"0'),
    "a forged balance": lambda one: replaced(one, 2, b",0,null", b",7,null"),
    "a row nobody knows": lambda one: replaced(one, 1, b"account", b"surplus"),
    "a row too few": lambda one: sealed_again(one, lambda lines: lines.pop(5)),
    "swapped with another": swapped,
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_bad_snapshot_is_passed_over_and_said_and_the_one_before_it_serves(home: Path, what: str) -> None:
    """The state is that of a full replay, the journal is as writable as ever, and a person is told which and why."""
    full = reopened(home, from_snapshot=False)
    *_, older, newest = snapshot_files(home)

    SPOILED[what](newest)
    found = reopened(home)

    assert (found.state, found.digest, found.head) == ("normal", full.digest, full.head)
    if what == "swapped with another":
        assert found.began_behind == seq_of(snapshot_files(home)[0])
    else:
        assert found.began_behind == seq_of(older)
    assert f"The snapshot of event {seq_of(newest)} was passed over" in found.warnings[0]


def test_without_any_valid_snapshot_everything_is_folded(home: Path) -> None:
    """All three are bad: three warnings, and a full replay."""
    full = reopened(home, from_snapshot=False)
    for snapshot in snapshot_files(home):
        flipped(snapshot, 0.3)

    found = reopened(home)

    assert (found.began_behind, found.digest, len(found.warnings)) == (0, full.digest, 3)


def test_a_deleted_snapshot_is_not_missed(home: Path) -> None:
    """The one before it serves; without the directory everything is folded; nothing is said."""
    full = reopened(home, from_snapshot=False)
    *_, older, newest = snapshot_files(home)
    newest.unlink()
    found = reopened(home)
    shutil.rmtree(home / "snapshots")
    none = reopened(home)

    assert (found.began_behind, none.began_behind) == (seq_of(older), 0)
    assert found.digest == none.digest == full.digest
    assert found.warnings == none.warnings == ()


def test_snapshots_beyond_the_head_of_a_restored_older_directory_are_passed_over(home: Path, tmp_path: Path) -> None:
    """An older copy of the files with the newer snapshots: they tell of what it never saw, and are dropped."""
    older = Path(shutil.copytree(home, tmp_path / "older"))
    desk = LaterDesk(home)
    for _ in range(40):
        desk.consume("cat", 1)
    desk.ledger.journal.seal()
    desk.ledger.close()
    beyond = take_snapshot(path=home)
    shutil.rmtree(older / "snapshots")
    shutil.copytree(home / "snapshots", older / "snapshots")
    full = reopened(older, from_snapshot=False)

    found = reopened(older)

    assert found.digest == full.digest
    assert found.began_behind == seq_of(snapshot_files(home)[-2])
    assert f"The snapshot of event {beyond.seq} was passed over" in found.warnings[0]
    restored = LaterDesk(older)
    restored.consume("cat", 3)
    restored.ledger.journal.seal()
    restored.ledger.close()
    taken = take_snapshot(path=older)
    assert beyond.seq not in [seq_of(path) for path in snapshot_files(older)]
    assert reopened(older).began_behind == taken.seq
    assert reopened(older).warnings == ()


def test_snapshots_of_a_journal_that_took_another_way_are_passed_over(home: Path, tmp_path: Path) -> None:
    """Two copies go on differently to the same length: the hash of the seal tells whose snapshot it is."""
    other = Path(shutil.copytree(home, tmp_path / "other"))
    for path, amount in ((home, 1), (other, 2)):
        desk = LaterDesk(path)
        desk.consume("cat", amount, key="apart")
        desk.ledger.journal.seal()
        desk.ledger.close()
        take_snapshot(path=path)
    mine, foreign = snapshot_files(home)[-1], snapshot_files(other)[-1]
    assert mine.name == foreign.name
    mine.write_bytes(foreign.read_bytes())

    found = reopened(home)

    assert "the journal has another event there" in found.warnings[0]
    assert found.digest == reopened(home, from_snapshot=False).digest != reopened(other).digest


def test_a_snapshot_never_hides_damage_in_an_old_segment(home: Path) -> None:
    """One byte of a segment before it: the snapshot is passed over, and a full replay names the place."""
    victim = sorted((home / "segments").glob("*.jsonl"))[1]
    content = victim.read_bytes()
    victim.chmod(0o640)
    victim.write_bytes(content.replace(b'"amount_micros":1', b'"amount_micros":2', 1))

    found = reopened(home)

    assert found.state == "read_only"
    assert victim.name in found.reason
    assert victim.name in found.warnings[0]


@pytest.mark.parametrize("pattern", ["*.jsonl", "*.idx", "*.keys"])
def test_without_a_file_that_it_stands_on_a_snapshot_is_passed_over(home: Path, pattern: str) -> None:
    """A missing segment is damage; a missing index is made again, and then the snapshot serves as before."""
    victim = min((home / "segments").glob(pattern))
    full = reopened(home, from_snapshot=False)
    victim.unlink()

    found = reopened(home)

    assert found.warnings
    if pattern == "*.jsonl":
        assert found.state == "read_only"
        return
    assert (found.began_behind, found.digest) == (0, full.digest)
    assert reopened(home).began_behind == seq_of(snapshot_files(home)[-1])


def test_a_lost_manifest_is_written_again_and_then_snapshots_serve_as_before(home: Path) -> None:
    """It is derived like the index files."""
    before = (home / "manifest.jsonl").read_bytes()
    (home / "manifest.jsonl").unlink()

    lost = reopened(home)

    assert (lost.began_behind, lost.state) == (0, "normal")
    assert (home / "manifest.jsonl").read_bytes() == before
    assert reopened(home).began_behind == seq_of(snapshot_files(home)[-1])


def test_segments_listed_before_there_were_checksums_are_compared_by_their_sha256(home: Path) -> None:
    """The first journals have manifests without crc: their snapshots serve, and damage is found all the same."""
    manifest = home / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_bytes().splitlines()]
    for line in lines:
        del line["crc"]
    manifest.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))

    assert reopened(home).began_behind == seq_of(snapshot_files(home)[-1])
    test_a_snapshot_never_hides_damage_in_an_old_segment(home)


@pytest.mark.parametrize(("call", "number"), [("pwrite", errno.ENOSPC), ("fsync", errno.EIO), ("rename", errno.EIO)])
def test_a_disk_that_refuses_leaves_the_older_snapshots_and_the_journal_alone(
    home: Path, call: str, number: int
) -> None:
    """The error goes to who takes the snapshot; the next one, on a sound disk, clears up."""
    desk = LaterDesk(home)
    desk.ledger.journal.seal()
    before = snapshot_files(home)
    disk = FailingDisk()
    disk.fail(call, number)

    with pytest.raises(OSError, match=os.strerror(number)):
        take_snapshot(path=home, env=disk)

    assert snapshot_files(home) == before
    desk.consume("cat", 1)
    desk.ledger.close()
    assert take_snapshot(path=home).is_new
    assert not list((home / "snapshots").glob("*.tmp"))
    assert verify(path=home).is_sound


def test_no_snapshot_is_taken_of_sealed_segments_that_are_damaged(home: Path) -> None:
    """It would give damage the look of a state."""
    shutil.rmtree(home / "snapshots")
    victim = sorted((home / "segments").glob("*.jsonl"))[1]
    content = victim.read_bytes()
    victim.chmod(0o640)
    victim.write_bytes(content[:-10] + b"?" + content[-9:])

    with pytest.raises(NoSnapshot, match=victim.name):
        take_snapshot(path=home)

    assert snapshot_files(home) == []
