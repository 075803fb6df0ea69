"""Damage: torn ends are cut and kept aside, anything that was durable and changed is reported with its place."""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.engine.errors import Corrupt
from ledger.proof.verification import verify
from ledger.simulation import SimDisk, SimEnv
from ledger.tests.engine.counting import Counting, command, event, opened, record
from ledger.tests.engine.disk import FailingDisk

HOME = Path("/journal")
SEGMENT = HOME / "segments" / "00000000000000000001.jsonl"
NAME = SEGMENT.name


def written(home: Path, count: int = 8) -> tuple[Path, list[bytes]]:
    """A closed journal of ``count`` commands: its active segment and the lines in it."""
    journal = opened(home)
    for number in range(count):
        record(journal, f"k{number}", event(amount=number, note="some text to flip bits in"))
    journal.close()
    segment = home / "segments" / NAME
    return segment, segment.read_bytes().rstrip(b"\n").split(b"\n")


def holding(disk: SimDisk, content: bytearray) -> SimDisk:
    """A copy of a disk whose only segment holds something else."""
    copy = disk.after_kill()
    copy.file(SEGMENT).content = bytes(content)
    return copy


def test_every_flipped_bit_below_the_mark_is_reported_at_its_place() -> None:
    """All bits of a whole journal: read-only with segment, line and offset, and the file is left alone."""
    disk = SimDisk()
    journal = Journal.open(path=HOME, state=Counting(), env=SimEnv(disk), segment_bytes=4096)
    for number in range(3):
        record(journal, f"k{number}")
    image = bytes(disk.file(SEGMENT).content)
    lines = image.rstrip(b"\n").split(b"\n")
    starts = [len(b"\n".join(lines[:number])) + (1 if number else 0) for number in range(len(lines))]
    for at in range(len(b"\n".join(lines)) + 1):
        line = max(number for number, start in enumerate(starts) if start <= at)
        damaged = bytearray(image)
        damaged[at] ^= 1 << (at % 8)

        opened_again = opened(HOME, env=SimEnv(holding(disk, damaged)))

        with pytest.raises(Corrupt) as caught:
            record(opened_again, "new")
        params = caught.value.params
        assert (params["segment"], params["line"], params["offset"]) == (NAME, line + 1, starts[line]), f"byte {at}"
        assert opened_again.status.head.seq == line


def test_a_damaged_journal_serves_the_verified_prefix_and_tells_expected_and_found(home: Path) -> None:
    """An amount edited in the middle: reading works before it, writing is refused, the error names both sides."""
    segment, lines = written(home)
    segment.write_bytes(segment.read_bytes().replace(b'"amount_micros":3', b'"amount_micros":4'))

    journal = opened(home)

    assert journal.status.state == "read_only"
    assert [one.seq for one in journal.read()] == [1, 2, 3, 4]
    with pytest.raises(Corrupt) as caught:
        record(journal, "new")
    assert caught.value.params["line"] == 5
    assert caught.value.params["offset"] == len(b"\n".join(lines[:4])) + 1
    assert str(caught.value.params["found"]) in lines[4].decode()
    journal.close()


def test_a_tail_cut_from_the_file_shows_against_the_durable_mark(home: Path) -> None:
    """Whole lines removed from the end leave a shorter journal that looks sound; it is not taken for one."""
    segment, lines = written(home)
    segment.write_bytes(b"\n".join(lines[:5]) + b"\n" * 4000)

    journal = opened(home)

    assert journal.status.state == "read_only"
    assert verify(path=home).problems[0].what == "end"
    with pytest.raises(Corrupt) as caught:
        record(journal, "new")
    assert caught.value.params == {
        "segment": NAME,
        "line": 6,
        "offset": len(b"\n".join(lines[:5])) + 1,
        "expected": "event 6",
        "found": "the end of the journal",
    }
    journal.close()


@pytest.mark.parametrize(("gone", "is_mark_left"), [(1, True), (1, False), (2, True), (0, True)])
def test_a_segment_that_is_gone_is_named_with_its_first_event(home: Path, gone: int, is_mark_left: bool) -> None:
    """One in the middle, even without a mark, the newest, or the only one there was: no shorter history is served."""
    journal = opened(home)
    for number in range(2 if gone else 0):
        record(journal, f"k{number}")
        journal.seal()
    journal.close()
    segment = sorted((home / "segments").glob("*.jsonl"))[gone]
    segment.unlink()
    if not is_mark_left:
        (home / "durable").unlink()

    journal = opened(home)

    with pytest.raises(Corrupt) as caught:
        record(journal, "new")
    assert caught.value.params == {
        "segment": segment.name,
        "line": 1,
        "offset": 0,
        "expected": f"event {int(segment.stem)}",
        "found": "the end of the journal",
    }
    assert journal.status.head.seq == int(segment.stem) - 1
    journal.close()


def test_rot_in_front_of_later_flushes_is_no_tear_even_without_a_mark(home: Path) -> None:
    """A later whole record proves that what stands before its flush was durable: nothing is cut."""
    segment, lines = written(home)
    changed = segment.read_bytes().replace(b'"amount_micros":3', b'"amount_micros":4')
    segment.write_bytes(changed)
    (home / "durable").unlink()

    journal = opened(home)

    assert journal.status.state == "read_only"
    assert journal.status.head.seq == 4 < len(lines)
    assert segment.read_bytes() == changed
    journal.close()


TORN: dict[str, Callable[[bytes], bytes]] = {
    "half a record": lambda line: line[: len(line) // 2],
    "a record without its last byte": lambda line: line[:-1],
    "a hole in the middle": lambda line: line[:60] + b"\n" * 60 + line[120:],
    "a lost beginning": lambda line: b"\n" * 100 + line[100:],
    "noise": lambda line: bytes(range(256)),
    "a line that nobody can print": lambda line: b"\1" * 300 + b"\n",
    "more than is read at once": lambda line: b"\1" * 100_000 + b"\n" * 100_000 + b"\1",
}


@pytest.mark.parametrize("what", TORN)
def test_a_torn_end_goes_to_quarantine_and_the_journal_goes_on(home: Path, what: str) -> None:
    """The rest of an un-fsynced flush is kept aside, cut, and recorded; the next opening finds nothing to do."""
    segment, lines = written(home)
    end = len(b"\n".join(lines)) + 1
    piece = TORN[what](next_line(home))
    with segment.open("r+b") as file:
        file.seek(end)
        file.write(piece)

    journal = opened(home)

    recovered = list(journal.read(types=["journal.recovered"]))
    assert journal.status.state == "normal"
    assert len(recovered) == 1
    kept = (home / "quarantine" / recovered[0].data["quarantine"]).read_bytes()
    assert kept == piece.rstrip(b"\n\0")
    assert re.fullmatch(rf"{SEGMENT.stem}-{end}-[0-9a-f]{{8}}\.bin", recovered[0].data["quarantine"])
    assert (recovered[0].data["cause"], recovered[0].data["segment"]) == ("torn", NAME)
    assert (recovered[0].data["offset"], recovered[0].data["bytes"]) == (end, len(kept))
    assert 0 < len(recovered[0].data["found"]) <= 200
    assert recovered[0].seq == len(lines) + 1
    journal.close()
    again = opened(home)
    assert again.head.seq == len(lines) + 1
    assert verify(path=home).is_sound
    again.close()


def next_line(home: Path) -> bytes:
    """The line that the journal would write next."""
    journal = opened(home)
    flush = journal._keeper.store.new_flush()
    flush.add(command("torn"), [event(note="x" * 300)])
    journal.close()
    return flush.lines[0][:-1]


def test_whole_records_that_were_not_acknowledged_are_adopted_up_to_the_last_whole_commit(home: Path) -> None:
    """The writer died after the write: a whole command is kept, half of one of three events is cut."""
    segment, lines = written(home)
    journal = opened(home)
    flush = journal._keeper.store.new_flush()
    flush.add(command("whole"), [event(), event()])
    flush.add(command("half"), [event(), event(), event()])
    journal.close()
    with segment.open("r+b") as file:
        file.seek(len(b"\n".join(lines)) + 1)
        file.write(b"".join(flush.lines[:4]))

    again = opened(home)

    assert again.execute(command("whole", [])).is_repeated
    assert not again.execute(command("half")).is_repeated
    assert [one.type for one in again.read(after=len(lines) + 2, limit=1)] == ["journal.recovered"]
    again.close()


def test_what_is_adopted_is_shown_to_readers_at_once_and_nothing_is_recorded(home: Path) -> None:
    """A whole command of a dead writer: the mark is moved behind it, so a reader needs not wait for the next one."""
    segment, lines = written(home)
    line = next_line(home)
    with segment.open("r+b") as file:
        file.seek(len(b"\n".join(lines)) + 1)
        file.write(line + b"\n")

    journal = opened(home)

    reader = opened(home, read_only=True)
    assert [one.key for one in reader.read(after=len(lines))] == ["torn"]
    reader.close()
    journal.close()


def test_a_journal_that_ended_well_is_opened_without_a_write_or_a_sync(home: Path) -> None:
    """There is nothing to make sound."""
    written(home)
    env = FailingDisk()

    journal = opened(home, env=env)

    assert {"pwrite", "fsync", "fdatasync"}.isdisjoint(env.calls)
    journal.close()


def test_space_that_a_power_cut_left_as_zeros_is_filled_again_without_a_word(home: Path) -> None:
    """The file grew, its newlines did not reach the disk: nothing was lost, nothing is recorded."""
    segment, lines = written(home)
    with segment.open("r+b") as file:
        file.seek(len(b"\n".join(lines)) + 1)
        file.write(bytes(5000))

    journal = opened(home)

    assert journal.head.seq == len(lines)
    assert b"\0" not in segment.read_bytes()
    journal.close()


def test_a_live_process_cuts_what_a_dead_one_left_before_it_appends(home: Path) -> None:
    """Not only opening: whoever takes the lock next makes the end sound."""
    journal = opened(home)
    record(journal, "k1")
    flush = journal._keeper.store.new_flush()
    flush.add(command("dead"), [event()])
    segment = journal._keeper.store.active
    assert segment is not None
    with segment.path.open("r+b") as file:
        file.seek(segment.end)
        file.write(flush.lines[0][:100])

    receipt = record(journal, "k2")

    assert [one.type for one in journal.read(after=2)] == ["journal.recovered", "credit.consumed"]
    assert receipt.events[0].seq == 4
    journal.close()
    assert verify(path=home).is_sound


@pytest.mark.parametrize("slots", [b"", b"\0" * 128, b"x" * 128, b"\xff" * 50])
def test_a_lost_or_damaged_mark_is_no_reason_not_to_open(home: Path, slots: bytes) -> None:
    """The records prove themselves; the mark is written again."""
    _, lines = written(home)
    (home / "durable").write_bytes(slots)

    journal = opened(home)

    assert journal.status.state == "normal"
    assert journal.head.seq == len(lines)
    assert record(journal, "new").events[0].seq == len(lines) + 1
    journal.close()
    assert verify(path=home).is_end_proven


def test_a_copy_without_mark_and_lock_can_be_read_and_says_that_its_end_is_not_proven(home: Path) -> None:
    """A reader needs journal.json and the segments; it creates nothing."""
    _, lines = written(home)
    (home / "durable").unlink()
    (home / "lock").unlink()

    reader = opened(home, read_only=True)

    assert len(list(reader.read())) == len(lines)
    assert not verify(path=home).is_end_proven
    assert not (home / "durable").exists()
    reader.close()


def test_deleted_swapped_and_inserted_lines_break_the_chain_where_it_was_done(home: Path) -> None:
    """Each record by itself is whole; its place is not."""
    segment, lines = written(home)
    whole = segment.read_bytes()
    for change in (lines[:3] + lines[4:], [*lines[:3], lines[4], lines[3], *lines[5:]], [*lines[:4], *lines[3:]]):
        segment.write_bytes(b"\n".join(change) + b"\n")

        report = verify(path=home)

        assert report.chain_breaks == 1
        assert report.problems[0].line in (4, 5)
        assert report.problems[0].segment == NAME
    segment.write_bytes(whole)
    assert verify(path=home).is_sound


def test_random_damage_anywhere_never_shows_an_event_that_was_not_written() -> None:
    """2,000 images with random bytes, blocks moved, zeroed and doubled: a verified prefix or nothing."""
    chance = random.Random(11)
    disk = SimDisk()
    journal = Journal.open(path=HOME, state=Counting(), env=SimEnv(disk), segment_bytes=16384)
    for number in range(15):
        record(journal, f"k{number}", event(amount=number))
    lines = [journal._keeper.store.view().line_of(seq) for seq in range(1, journal.head.seq + 1)]
    image, end = bytes(disk.file(SEGMENT).content), len(b"\n".join(lines))
    for _ in range(2000):
        damaged = bytearray(image)
        size = chance.choice([1, 7, 512])
        at, other = chance.randrange(0, end - size), chance.randrange(0, end)
        piece = [os.urandom(size), bytes(size), b"\n" * size, bytes(damaged[other : other + size])]
        damaged[at : at + size] = chance.choice(piece)

        again = opened(HOME, env=SimEnv(holding(disk, damaged)))

        head = again.status.head.seq
        assert [again._keeper.store.view().line_of(seq) for seq in range(1, head + 1)] == lines[:head]
        assert (again.status.state == "normal") == (head == len(lines))
