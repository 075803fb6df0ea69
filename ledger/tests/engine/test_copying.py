"""Copies of a journal that others write to: everything acknowledged before is in them, and they are journals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.engine.copying import copy_journal
from ledger.engine.errors import EndUnknown, NotAJournal
from ledger.engine.layout import Layout
from ledger.proof.verification import verify
from ledger.tests.engine.counting import Counting, event, opened, record

SEGMENT_BYTES = 32 * 1024


def filled(home: Path, count: int = 300) -> Journal:
    journal = opened(home, segment_bytes=SEGMENT_BYTES)
    for number in range(count):
        record(journal, f"k{number}", event(f"agent:{number % 7}", number, "x" * 200))
    journal.settle_sealing()
    return journal


def lines_of(home: Path) -> list[bytes]:
    """Every record of the journal, in order."""
    paths = sorted((home / "segments").glob("*.jsonl"))
    return [line for path in paths for line in path.read_bytes().splitlines() if line]


def test_a_copy_is_the_same_journal_up_to_its_last_event(home: Path, tmp_path: Path) -> None:
    """Same records, same identity, same manifest, an end that is proven, read-only sealed segments, a shortcut."""
    journal = filled(home)
    target = tmp_path / "copies" / "credits"

    head = copy_journal(source=home, target=target)

    assert head == journal.head
    assert lines_of(target) == lines_of(home)
    for name in ("journal.json", "manifest.jsonl"):
        assert (target / name).read_bytes() == (home / name).read_bytes()
    report = verify(path=target)
    assert (report.problems, report.is_end_proven, report.torn_bytes, report.head) == ((), True, 0, head)
    paths = sorted((target / "segments").iterdir())
    assert [path.stat().st_mode & 0o222 for path in paths[:-1]] == [0] * (len(paths) - 1)
    assert os.readlink(target.parent / "credits.jsonl") == f"credits/segments/{paths[-1].name}"
    journal.close()


def test_a_copy_goes_on_as_a_journal_of_its_own(home: Path, tmp_path: Path) -> None:
    """It opens, knows its keys and versions, takes new events, and the original never hears of it."""
    filled(home).close()
    target = tmp_path / "copy"
    head = copy_journal(source=home, target=target)
    before = lines_of(home)

    state = Counting()
    journal = Journal.open(path=target, state=state, segment_bytes=SEGMENT_BYTES)
    assert journal.stream_version("agent:3") == 43
    assert record(journal, "k5", event("agent:5", 5, "x" * 200)).is_repeated
    assert record(journal, "new", event("agent:5", 1)).events[0].seq == head.seq + 1
    journal.close()

    assert lines_of(home) == before
    assert verify(path=target).is_sound


def test_what_was_not_durable_when_the_copy_began_is_not_in_it(home: Path, tmp_path: Path) -> None:
    """Bytes behind the mark, as a writer leaves them between write and fsync, stay behind."""
    journal = filled(home, 10)
    journal.close()
    active = max((home / "segments").glob("*.jsonl"))
    with active.open("r+b") as file:
        content = file.read()
        file.seek(len(content.rstrip(b"\n")) + 1)
        file.write(b'{"seq":99,"half a rec')

    copy_journal(source=home, target=tmp_path / "copy")

    assert b"half a rec" not in (tmp_path / "copy" / "segments" / active.name).read_bytes()
    assert verify(path=tmp_path / "copy").torn_bytes == 0


@pytest.mark.timeout(200)
def test_copies_beside_writers_hold_everything_acknowledged_before(home: Path, tmp_path: Path) -> None:
    """Two processes write and seal without pause; 12 copies are each sound, with a proven end, and nothing missing."""
    opened(home, segment_bytes=SEGMENT_BYTES).close()
    arguments = [sys.executable, "-m", "ledger.tests.engine.writer", str(home)]
    writers = [
        subprocess.Popen([*arguments, name, "0", str(SEGMENT_BYTES)], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    try:
        heads = []
        for number in range(12):
            acknowledged = max(_next_seq(writer) for writer in writers)
            target = tmp_path / str(number)
            head = copy_journal(source=home, target=target)
            report = verify(path=target)
            heads.append(head.seq)
            assert head.seq >= acknowledged
            assert (report.problems, report.is_end_proven, report.head) == ((), True, head)
            assert lines_of(target) == lines_of(home)[: head.seq]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert heads == sorted(heads)
    assert heads[-1] > heads[0] + 100
    assert len(list((tmp_path / "11" / "segments").iterdir())) > 3


def _next_seq(writer: "subprocess.Popen[str]") -> int:
    assert writer.stdout is not None
    for _ in range(20):
        line = writer.stdout.readline()
    return int(line.split()[1])


def test_quarantine_goes_along_and_a_torn_manifest_line_does_not(home: Path, tmp_path: Path) -> None:
    """What recovery cut off is kept; a line that is being written is not half taken."""
    journal = filled(home)
    layout = Layout(home)
    layout.quarantine.mkdir()
    (layout.quarantine / "cut.bin").write_bytes(b"cut off")
    with layout.manifest.open("ab") as file:
        file.write(b'{"first":9')

    copy_journal(source=home, target=tmp_path / "copy")

    assert (tmp_path / "copy" / "quarantine" / "cut.bin").read_bytes() == b"cut off"
    assert (tmp_path / "copy" / "manifest.jsonl").read_bytes().endswith(b"}\n")
    assert verify(path=tmp_path / "copy").is_sound
    journal.close()


def test_a_journal_of_one_segment_needs_no_manifest(home: Path, tmp_path: Path) -> None:
    """Nothing was sealed yet."""
    filled(home, 3).close()
    Layout(home).manifest.unlink(missing_ok=True)

    copy_journal(source=home, target=tmp_path / "copy")

    assert verify(path=tmp_path / "copy").is_sound


def test_what_cannot_be_copied_is_refused_and_leaves_no_journal(home: Path, tmp_path: Path) -> None:
    """No journal there, something in the way, no durable mark."""
    with pytest.raises(NotAJournal):
        copy_journal(source=tmp_path, target=tmp_path / "copy")
    filled(home, 3).close()
    (tmp_path / "taken").mkdir()
    with pytest.raises(NotAJournal, match="already"):
        copy_journal(source=home, target=tmp_path / "taken")
    (home / "durable").unlink()
    with pytest.raises(EndUnknown):
        copy_journal(source=home, target=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
