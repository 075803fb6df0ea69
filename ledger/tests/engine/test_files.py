"""What only files can show: damage met while reading, what verify touches, and directories that are no journal."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.engine.errors import Corrupt, NotAJournal
from ledger.proof.verification import verify
from ledger.tests.engine.counting import event, opened, record


@pytest.fixture
def journal(home: Path) -> Journal:
    """60 commands over several segments."""
    journal = opened(home, segment_bytes=8 * 1024)
    for number in range(60):
        record(journal, f"k{number}", event(f"agent:{number % 7}", number))
    return journal


def test_damage_met_while_reading_is_raised_with_its_place(journal: Journal, home: Path) -> None:
    """Checked on write and again on read."""
    victim = sorted((home / "segments").glob("*.jsonl"))[1]
    journal.settle_sealing()
    victim.chmod(0o640)
    victim.write_bytes(victim.read_bytes().replace(b'"amount_micros":', b'"amount_miCros":', 1))

    with pytest.raises(Corrupt) as caught:
        list(journal.read(stream="agent:1"))
        list(journal.read())

    assert caught.value.params["segment"] == victim.name
    journal.close()


def cut(content: bytes, lines: list[bytes]) -> bytes:
    """Everything from the middle of the fourth line on is gone."""
    return content[: len(b"\n".join(lines[:4])) + 20]


def joined(content: bytes, lines: list[bytes]) -> bytes:
    """The newline behind the last record is none any more."""
    return content.rstrip(b"\n") + b" " + b"\n" * (len(content) - len(content.rstrip(b"\n")) - 1)


def swapped(content: bytes, lines: list[bytes]) -> bytes:
    """Two records of one length changed places; each is whole by itself."""
    one, other = next((a, b) for a, b in pairwise(lines[2:]) if len(a) == len(b))
    return content.replace(one + b"\n" + other, other + b"\n" + one)


@pytest.mark.parametrize("descending", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("types", [None, ["credit.*", "journal.*"], ["credit.*"]], ids=["all", "parsed", "sought"])
@pytest.mark.parametrize("damaged", [cut, joined, swapped])
def test_no_reader_passes_over_records_that_are_gone_or_stand_elsewhere(
    journal: Journal,
    home: Path,
    damaged: Callable[[bytes, list[bytes]], bytes],
    types: list[str] | None,
    descending: bool,
) -> None:
    """Also where only the lines that may match are parsed."""
    journal.settle_sealing()
    victim = sorted((home / "segments").glob("*.jsonl"))[1]
    content = victim.read_bytes()
    lines = content.rstrip(b"\n").split(b"\n")
    assert len([*journal.read(types=types, descending=descending)]) > len(lines)
    victim.chmod(0o640)
    victim.write_bytes(damaged(content, lines))

    with pytest.raises(Corrupt) as caught:
        list(journal.read(types=types, descending=descending))

    assert caught.value.params["segment"] == victim.name
    journal.close()


def test_verify_reads_everything_tells_its_progress_and_changes_nothing(journal: Journal, home: Path) -> None:
    """The head is the journal's head; every event is handed over; no file is touched."""
    head = journal.head
    journal.close()
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    seqs: list[int] = []
    progress: list[tuple[int, int]] = []

    report = verify(path=home, take=lambda one: seqs.append(one.seq), progress=lambda *one: progress.append(one))

    assert report.is_sound
    assert report.head == head
    assert report.events == head.seq
    assert seqs == list(range(1, head.seq + 1))
    assert report.torn_bytes == 0
    assert progress[-1][0] == progress[-1][1]
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_verify_of_a_single_segment_says_that_its_end_is_not_proven(journal: Journal, home: Path) -> None:
    """Without the directory there is no durable mark."""
    journal.close()
    segment = sorted((home / "segments").glob("*.jsonl"))[0]

    report = verify(path=segment)

    assert report.is_sound
    assert not report.is_end_proven
    assert report.events == len(segment.read_bytes().splitlines())


@pytest.mark.parametrize("content", [b"", b"{", b'{"format":"other"}', b"[]"])
def test_a_directory_that_is_no_journal_is_refused_with_the_reason(home: Path, content: bytes) -> None:
    """Missing, damaged or of another format: never taken over."""
    home.mkdir(parents=True)
    (home / "journal.json").write_bytes(content)

    with pytest.raises(NotAJournal):
        opened(home)
    (home / "journal.json").unlink()
    with pytest.raises(NotAJournal):
        opened(home, read_only=True)
