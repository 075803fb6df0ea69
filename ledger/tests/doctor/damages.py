"""One sound journal with several segments, snapshots and checkpoints, and everything that may happen to its files."""

from __future__ import annotations

import shutil
from pathlib import Path

from ledger.credits.snapshots import take_snapshot
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.engine.mark import SLOT_BYTES, Mark, MarkFile, unpack
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints, claimed_checkpoint
from ledger.tests.credits import planting
from ledger.tests.credits.orders import Desk
from ledger.tests.proof.journals import take


def make(home: Path) -> Path:
    """A journal of several sealed segments and an active one, with a snapshot and two checkpoints.

    Beside it is a copy of its directory as it was at the first checkpoint.
    """
    planting.sound_journal(home)
    take_snapshot(path=home)
    take(home)
    shutil.copytree(home, _older(home))
    go_on(home, 12)
    take(home)
    return home


def go_on(home: Path, count: int, *, name: str = "later") -> None:
    """Record more orders."""
    desk = Desk(home)
    for number in range(count):
        desk.consume("ann", 1, key=f"{name}-{number}")
    desk.ledger.close()


def _older(home: Path) -> Path:
    return home.parent / f"{home.name}.older"


def copy_of(home: Path, target: Path) -> Path:
    """The journal with what lies beside it, to be damaged."""
    for suffix in ("", ".checkpoints", ".older"):
        shutil.copytree(home.parent / f"{home.name}{suffix}", target.parent / f"{target.name}{suffix}")
    return target


def checkpoints_of(home: Path) -> list[Checkpoint]:
    """Those beside it, believed."""
    kept = KeptCheckpoints(home)
    return [claimed_checkpoint(kept.note(size)) for size in kept.sizes()]


def content_of(home: Path) -> dict[str, bytes]:
    """Every file of a journal and beside it, but for the lock, its condition and what repairs keep."""
    found = {}
    for directory in (home, home.parent / f"{home.name}.checkpoints"):
        for file in sorted(directory.rglob("*")):
            if file.is_file() and file.name != "lock" and file.stem != "condition":
                found[str(file.relative_to(home.parent))] = file.read_bytes()
    return found


def write(file: Path, content: bytes) -> None:
    """Sealed files are read-only."""
    mode = file.stat().st_mode
    file.chmod(0o600)
    file.write_bytes(content)
    file.chmod(mode)


def segments(home: Path) -> list[Path]:
    return planting.segments_of(home)


def flip(home: Path, segment: int, line: int) -> None:
    """One bit in the middle of a record."""
    file = segments(home)[segment]
    content = bytearray(file.read_bytes())
    at = sum(len(one) + 1 for one in content.split(b"\n")[:line]) + 90
    content[at] ^= 4
    write(file, bytes(content))


def flip_in_sealed(home: Path) -> None:
    flip(home, 0, 7)


def flip_in_active(home: Path) -> None:
    flip(home, -1, 1)


def overwrite_in_sealed(home: Path) -> None:
    """More than a byte."""
    file = segments(home)[1]
    content = file.read_bytes()
    write(file, content[:3000] + b"\0" * 512 + content[3512:])


def overwrite_beginning(home: Path) -> None:
    """The first record of the second segment."""
    file = segments(home)[1]
    write(file, b"\0" * 600 + file.read_bytes()[600:])


def cut_active(home: Path) -> None:
    """The last kilobyte of what was written."""
    file = segments(home)[-1]
    content = file.read_bytes().rstrip(b"\n")
    file.write_bytes(content[:-1024])


def cut_active_at_a_line(home: Path) -> None:
    """The last three records, at a line end: the file is sound in itself."""
    file = segments(home)[-1]
    file.write_bytes(b"".join(line + b"\n" for line in file.read_bytes().rstrip(b"\n").split(b"\n")[:-3]))


def cut_sealed(home: Path) -> None:
    """The end of a segment that has followers."""
    file = segments(home)[1]
    write(file, file.read_bytes()[:-700])


def tear(home: Path) -> None:
    """Half a record that no fsync confirmed."""
    file = segments(home)[-1]
    content = file.read_bytes()
    body = content.rstrip(b"\n") + b"\n"
    torn = b'{"seq":9999,"time":"2026'
    file.write_bytes(body + torn + content[len(body) + len(torn) :])


def remove_segment(home: Path) -> None:
    segments(home)[1].unlink()


def remove_last_segment(home: Path) -> None:
    segments(home)[-1].unlink()


def remove_offsets(home: Path) -> None:
    next((home / "segments").glob("*.idx")).unlink()


def damage_keys(home: Path) -> None:
    file = next((home / "segments").glob("*.keys"))
    write(file, file.read_bytes()[:-1] + b"\xff")


def damage_snapshot(home: Path) -> None:
    file = next((home / "snapshots").glob("*.json"))
    write(file, file.read_bytes().replace(b"ann", b"bob", 1))


def remove_mark(home: Path) -> None:
    (home / "durable").unlink()


def damage_newer_slot(home: Path) -> None:
    """Of the two slots of `durable` the one that was written last; the other still proves the event before."""
    _wipe_slot(home, is_newer=True)


def remove_older_slot(home: Path) -> None:
    _wipe_slot(home, is_newer=False)


def _wipe_slot(home: Path, *, is_newer: bool) -> None:
    content = bytearray((home / "durable").read_bytes())
    seqs = [slot.seq for at in (0, SLOT_BYTES) if (slot := unpack(bytes(content[at : at + SLOT_BYTES]))) is not None]
    at = SLOT_BYTES * seqs.index(max(seqs) if is_newer else min(seqs))
    content[at : at + SLOT_BYTES] = bytes(SLOT_BYTES)
    (home / "durable").write_bytes(bytes(content))


def damage_mark(home: Path) -> None:
    (home / "durable").write_bytes(b"\xff" * (2 * SLOT_BYTES))


def remove_manifest_line(home: Path) -> None:
    file = home / "manifest.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))


def damage_manifest_line(home: Path) -> None:
    """One digit of a hash."""
    file = home / "manifest.jsonl"
    content = file.read_bytes()
    at = content.index(b'"sha256":"') + len(b'"sha256":"')
    file.write_bytes(content[:at] + (b"1" if content[at : at + 1] == b"0" else b"0") + content[at + 1 :])


def damage_manifest_crc(home: Path) -> None:
    """The checksum by which opening recognises a segment."""
    file = home / "manifest.jsonl"
    content = file.read_bytes()
    at = content.index(b'"crc":"') + len(b'"crc":"')
    file.write_bytes(content[:at] + (b"1" if content[at : at + 1] == b"0" else b"0") + content[at + 1 :])


def remove_facts(home: Path) -> None:
    (home / "journal.json").unlink()


def damage_facts(home: Path) -> None:
    (home / "journal.json").write_bytes(b"{")


def poison(home: Path) -> None:
    """As a failed fsync leaves it."""
    (home / "POISONED").write_bytes(b"fdatasync: [Errno 5] Input/output error\n")
    marks = MarkFile(OsEnv(), Layout(home).durable, read_only=False)
    mark = marks.read()
    assert isinstance(mark, Mark)
    marks.reset(mark._replace(is_poisoned=True))
    marks.close()


def older_copy(home: Path) -> None:
    """The directory as it was before its last events; the checkpoints beside it are newer."""
    shutil.rmtree(home)
    shutil.copytree(_older(home), home)


def older_copy_written_on(home: Path) -> None:
    """And then somebody worked with it."""
    older_copy(home)
    go_on(home, 20, name="other")
