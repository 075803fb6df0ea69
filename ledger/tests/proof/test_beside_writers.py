"""Reading a journal to its end while somebody writes there: nothing is called damaged that is only new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.credits.invariants import check
from ledger.engine import Journal
from ledger.engine.env import OsEnv
from ledger.engine.limits import CHUNK_BYTES
from ledger.engine.mark import SLOT_BYTES
from ledger.proof.verification import verify
from ledger.tests.credits.orders import Desk
from ledger.tests.engine.counting import opened, record


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open for writing, with a few events."""
    journal = opened(tmp_path / "credits")
    for number in range(5):
        record(journal, f"before-{number}")
    yield journal
    journal.close()


class Beside(OsEnv):
    """The real effects; a writer is quicker between two readings of the segment, number `at` and the one before."""

    def __init__(self, journal: Journal, *, at: int) -> None:
        super().__init__()
        self._journal, self._at, self._count = journal, at, 0

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """Three flushes before the one reading that was named."""
        if length != 2 * SLOT_BYTES:
            self._count += 1
            if self._count == self._at:
                for number in range(3):
                    record(self._journal, f"beside-{number}")
        return OsEnv.pread(fd, length, offset)


@pytest.mark.parametrize("at", range(1, 6))
def test_what_is_written_while_it_is_verified_is_neither_damage_nor_torn(
    journal: Journal, tmp_path: Path, at: int
) -> None:
    """Wherever the writer comes in between, as after the chunk with the end, and before its padding is looked at."""
    report = verify(path=tmp_path / "credits", env=Beside(journal, at=at))

    assert (report.problems, report.torn_bytes) == ((), 0)
    assert report.head.seq >= 6


def test_damage_above_the_mark_is_not_taken_for_a_writer(journal: Journal, tmp_path: Path) -> None:
    """Nobody writes, and a whole later flush stands behind a bad record: a second look finds it again."""
    durable = tmp_path / "credits" / "durable"
    old = durable.read_bytes()
    for number in range(3):
        record(journal, f"after-{number}")
    segment = next((tmp_path / "credits" / "segments").glob("*.jsonl"))
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"key":"after-1"', b'"key":"after-9"', 1))
    durable.write_bytes(old)

    (problem,) = verify(path=tmp_path / "credits").problems

    assert (problem.what, problem.seq) == ("chain", 8)


def test_the_invariants_are_those_of_the_journal_as_it_was_at_the_beginning(tmp_path: Path) -> None:
    """The chunk with the end was read, then records are written behind it and into the next chunk."""
    desk = Desk(tmp_path / "credits")
    desk.open_account("ann", 5_000)
    told = 0

    def write(done: int, _total: int) -> None:
        nonlocal told
        told += 1
        if told == 1:
            before = desk.ledger.journal.status.active_bytes
            while desk.ledger.journal.status.active_bytes < before + 2 * CHUNK_BYTES:
                desk.consume("ann", 1)

    report = check(tmp_path / "credits", progress=write)

    assert told > 0
    assert {line.code: str(line.detail) for line in report.lines if line.is_held is not True} == {}
    desk.ledger.close()
