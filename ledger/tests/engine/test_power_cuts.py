"""Power cuts: any subset of the sectors of the last flush reached the disk. Torn is cut, rot is reported."""

import random
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.engine.group import Request
from ledger.engine.mark import SLOT_BYTES
from ledger.tests.engine.counting import Counting, command, event
from ledger.tests.engine.disk import SECTOR_BYTES, MemoryDisk

HOME = Path("/journal")
SEGMENT = HOME / "segments" / "00000000000000000001.jsonl"
DURABLE = HOME / "durable"
SEGMENT_BYTES = 96 * 1024  # more than any of these journals takes
BASES = 250
IMAGES_PER_BASE = 80
ROT_PER_BASE = 20


class Base:
    """A journal of several flushes: the disk before and after its last one, and what was acknowledged before it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.disk = MemoryDisk()
        journal = self._open(self.disk)
        self.marks: list[bytes] = []
        self.heads: list[int] = []
        for number in range(self.chance.randint(2, 5)):
            self._flush(journal, f"early-{number}", self.chance.choice([1, 1, 2, 8]))
            self.marks.append(bytes(self.disk.files[DURABLE]))
            self.heads.append(journal.head.seq)
        self.acknowledged = self.heads[-1]
        self.before = self.disk.image()
        self.commands = self.chance.choice([1, 2, 3, 8, 16, 32, 64])
        self._flush(journal, "last", self.commands)
        self.after = self.disk.image()
        old, new = self.before[SEGMENT], self.after[SEGMENT]
        self.changed = [at for at in range(0, len(new), SECTOR_BYTES) if old[at : at + 512] != new[at : at + 512]]
        self.lines = new.rstrip(b"\n").split(b"\n")

    def _open(self, disk: MemoryDisk) -> Journal:
        return Journal.open(path=HOME, state=Counting(), env=disk, segment_bytes=SEGMENT_BYTES)

    def _flush(self, journal: Journal, name: str, count: int) -> None:
        """One flush of ``count`` commands, as a leading thread makes it."""
        requests = []
        for number in range(count):
            events = [event(f"agent:{number % 5}", number, "x" * self.chance.randint(0, 300))]
            events *= self.chance.choice([1, 1, 1, 2, 5])
            requests.append(Request(command(f"{name}-{number}", events)))
        assert journal._serve(requests) == count
        assert all(request.error is None for request in requests)

    def cut(self) -> tuple[dict[Path, bytes], str]:
        """The disk after a power cut during the last flush, and the fate of the durable slots."""
        image = bytearray(self.before[SEGMENT])
        share = self.chance.choice([0.05, 0.5, 0.5, 0.95])
        for at in self.changed:
            if self.chance.random() < share:
                image[at : at + SECTOR_BYTES] = self.after[SEGMENT][at : at + SECTOR_BYTES]
        fate = self.chance.choice(["kept", "old", "lost", "zeroed", "torn"])
        slots = bytearray(self.marks[-1])
        if fate == "old":
            slots = bytearray(self.chance.choice(self.marks))
        elif fate == "lost":
            slots = bytearray()
        elif fate == "zeroed":
            slots = bytearray(len(slots))
        elif fate == "torn":
            slots[self.chance.randrange(SLOT_BYTES) : SLOT_BYTES] = b""
        return {**self.before, SEGMENT: bytes(image), DURABLE: bytes(slots)}, fate

    def rot(self) -> dict[Path, bytes]:
        """All of it was durable, then one sector before the last flush vanished, and the slots with it or not."""
        image = bytearray(self.after[SEGMENT])
        start = len(b"\n".join(self.lines[:1])) + 1
        end = len(b"\n".join(self.lines[: self.acknowledged])) + 1
        at = SECTOR_BYTES * self.chance.randrange(start // SECTOR_BYTES, max(end // SECTOR_BYTES, 1))
        damaged = self.chance.choice([b"\n" * SECTOR_BYTES, bytes(SECTOR_BYTES)])
        image[at : at + SECTOR_BYTES] = damaged
        slots = self.chance.choice([self.after[DURABLE], b"", self.marks[-1]])
        return {**self.after, SEGMENT: bytes(image), DURABLE: slots}

    def judged(self, image: dict[Path, bytes]) -> tuple[Journal, MemoryDisk]:
        disk = MemoryDisk(image)
        return self._open(disk), disk


@pytest.mark.timeout(240)
def test_no_subset_of_the_sectors_of_a_flush_loses_an_acknowledged_event_or_is_taken_for_rot() -> None:
    """20,000 power cuts over flushes of 1 to 64 commands: what was acknowledged is there, whole commits only, and the
    journal goes on writing; then the same disk opens again without any repair."""
    for seed in range(BASES):
        base = Base(seed)
        for number in range(IMAGES_PER_BASE):
            image, fate = base.cut()

            journal, disk = base.judged(image)

            where = f"seed {seed}, image {number}, slots {fate}"
            status = journal.status
            assert status.state == "normal", f"{where}: {status.reason}"
            assert status.head.seq >= base.acknowledged, where
            _check_adopted(base, journal, disk, where)
            if number % 8 == 0:
                _check_goes_on(base, journal, disk, where)


def _check_adopted(base: Base, journal: Journal, disk: MemoryDisk, where: str) -> None:
    """Every record but journal.recovered stands there byte for byte, and the last one ends its commit."""
    records, _, padding = bytes(disk.files[SEGMENT]).partition(b"\n\n")
    lines = records.split(b"\n")
    assert not padding.strip(b"\n"), where
    assert len(lines) == journal.status.head.seq, where
    assert journal._keeper.store.line_of(len(lines)) == lines[-1], where
    if b'"type":"journal.recovered"' in lines[-1]:
        lines.pop()
    assert lines == base.lines[: len(lines)], where
    last = journal.get(seq=len(lines))
    assert last.commit is None or last.commit[0] == last.commit[1], where


def _check_goes_on(base: Base, journal: Journal, disk: MemoryDisk, where: str) -> None:
    receipt = journal.execute(command("afterwards"))
    again, _ = base.judged(disk.image())

    assert again.status.head.seq == receipt.events[0].seq, where
    assert again.execute(command("afterwards")).is_repeated, where


@pytest.mark.timeout(240)
def test_a_sector_lost_from_an_older_flush_is_reported_and_never_cut() -> None:
    """5,000 images: a later whole record proves that the sector was durable once, with the mark or without it."""
    for seed in range(BASES):
        base = Base(seed)
        for number in range(ROT_PER_BASE):
            image = base.rot()

            journal, disk = base.judged(image)

            where = f"seed {seed}, image {number}"
            assert journal.status.state == "read_only", where
            assert "damaged in segment" in journal.status.reason, where
            assert disk.image()[SEGMENT] == image[SEGMENT], where
