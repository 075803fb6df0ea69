"""Torn or corrupt: every way in which the last flush may be half on the disk, and in which durable bytes may change.

What must be answered follows from the bytes alone: the first record that is not what was written. Below the durable
mark that is damage, reported and left alone; above it the flush was torn, and its whole commits before are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from random import Random

from ledger.engine import Journal
from ledger.engine.group import Request
from ledger.engine.layout import Layout
from ledger.simulation.client import HOME, command, moving
from ledger.simulation.disk import SECTOR_BYTES, SimDisk
from ledger.simulation.env import SimEnv
from ledger.simulation.outcome import Outcome
from ledger.simulation.promises import Folded

FLUSHES = (1, 2, 3, 4, 8, 16, 32, 64)
KINDS = {
    "truncated": "cut short",
    "sectors": "sectors lost",
    "bits": "bits flipped",
    "blocks": "blocks moved or lost",
    "rot": "sectors lost below the mark",
}
"""What is done to a segment, and how it is counted."""
_SEGMENT = Layout(HOME).segment(1)
_DURABLE = Layout(HOME).durable
_SEGMENT_BYTES = 2**17  # more than any of these journals takes
_EVERY_BIT_UP_TO = 6000
_SPARSE = 3
_SUBSETS = 8000  # of each flush too large for all of them: 20,000 over the plan, and some
_BLOCKS = 4000
_ROTS = 500
_FINDINGS_MAX = 5


class _Base:
    """A journal of a few flushes: its segment and its mark before and after the last one, of ``commands`` commands."""

    def __init__(self, chance: Random, commands: int) -> None:
        self.disk = SimDisk()
        state = Folded()
        journal = Journal.open(
            path=HOME, state=state, env=SimEnv(self.disk), segment_bytes=_SEGMENT_BYTES, from_snapshot=False
        )
        for number in range(chance.randint(2, 4)):
            _flush(journal, chance, f"early-{number}", 1)
        self.old_head = len(state.hashes)
        self.old, self.old_mark = self._segment(), bytes(self.disk.file(_DURABLE).content)
        _flush(journal, chance, "last", commands)
        self.new, self.new_mark = self._segment(), bytes(self.disk.file(_DURABLE).content)
        self.hashes = list(state.hashes)
        lines = self.new.rstrip(b"\n").split(b"\n")
        self.ends = list(accumulate(len(line) + 1 for line in lines))
        self.wholes = _wholes(journal)

    def _segment(self) -> bytes:
        return bytes(self.disk.file(_SEGMENT).content)

    @property
    def length(self) -> int:
        """The bytes of all records."""
        return self.ends[-1]

    def judged(self, image: bytes, mark: bytes) -> str:
        """What is wrong with how ``image`` is opened, or nothing. ``mark`` is the one behind the last flush, or not."""
        disk = self.disk.after_kill()
        disk.file(_SEGMENT).content = image
        disk.file(_DURABLE).content = mark
        state = Folded()
        journal = Journal.open(
            path=HOME, state=state, env=SimEnv(disk), segment_bytes=_SEGMENT_BYTES, from_snapshot=False
        )
        status = journal.status
        bad = self._first_bad(image)
        kept = self.wholes[bad - 1]
        durable = len(self.hashes) if mark == self.new_mark else self.old_head
        if bad <= durable:
            return self._misread(status.state, len(state.hashes), kept, disk, image)
        if status.state != "normal":
            return f"torn at event {bad}, above the mark, and taken for damage: {status.reason}"
        if len(state.hashes) - kept not in (0, 1) or state.hashes[:kept] != self.hashes[:kept]:
            return f"torn at event {bad}: kept {len(state.hashes)} events instead of {kept}"
        return "" if _is_settled(disk, state) else f"torn at event {bad}: opening again changes it"

    def _misread(self, how: str, head: int, kept: int, disk: SimDisk, image: bytes) -> str:
        if how != "read_only":
            return f"damage below the mark, behind event {kept}, was accepted"
        if bytes(disk.file(_SEGMENT).content) != image:
            return "damage below the mark was written over"
        return "" if head == kept else f"damage behind event {kept} was reported behind event {head}"

    def _first_bad(self, image: bytes) -> int:
        """The first event whose bytes are not what was written; one behind the last if all are."""
        good, new = self.length, self.new
        if image[:good] == new[:good]:
            return len(self.ends) + 1
        low, high = 0, good
        while low < high:
            middle = (low + high + 1) // 2
            if image[:middle] == new[:middle]:
                low = middle
            else:
                high = middle - 1
        return bisect_right(self.ends, low) + 1


def _is_settled(disk: SimDisk, state: Folded) -> bool:
    """Whether nothing is left to mend: somebody who opens it now finds just what was found."""
    again = Folded()
    Journal.open(
        path=HOME, state=again, env=SimEnv(disk.after_kill()), segment_bytes=_SEGMENT_BYTES, from_snapshot=False
    )
    return again.hashes == state.hashes


def _flush(journal: Journal, chance: Random, name: str, count: int) -> None:
    """One flush of ``count`` commands, as a leading thread makes it."""
    requests = []
    for number in range(count):
        events = [moving(f"agent:{number % 5}", number, "x" * chance.randrange(120))]
        requests.append(Request(command(f"{name}-{number}", events * chance.choice((1, 1, 1, 2, 3)))))
    served = journal._serve(requests)
    if served != count or any(request.error is not None for request in requests):
        raise AssertionError(f"{name}: {[request.error for request in requests]}")


def _wholes(journal: Journal) -> list[int]:
    """For each event the last one that ends a command, up to it; index 0 is before the first."""
    wholes = [0]
    for event in journal.read():
        is_end = event.commit is None or event.commit[0] == event.commit[1]
        wholes.append(event.seq if is_end else wholes[-1])
    return wholes


def _images(base: _Base, kind: str, chance: Random) -> Iterator[tuple[str, bytes, bytes]]:
    """(what was done, the segment, the mark)."""
    marks = (base.old_mark, base.new_mark)
    if kind == "truncated":
        is_short = base.length <= _EVERY_BIT_UP_TO
        for at in range(base.length):
            if is_short or at % 2:
                yield f"cut at byte {at}", base.new[:at], base.old_mark
            if is_short or not at % 2:
                yield f"empty from byte {at}", base.new[:at].ljust(len(base.new), b"\n"), chance.choice(marks)
    elif kind == "bits":
        is_short = base.length <= _EVERY_BIT_UP_TO
        for at in range(0, base.length, 1 if is_short else _SPARSE):
            for bit in range(8) if is_short else (chance.randrange(8),):
                image = bytearray(base.new)
                image[at] ^= 1 << bit
                yield f"bit {bit} of byte {at}", bytes(image), chance.choice(marks)
    elif kind == "sectors":
        yield from _subsets(base, chance)
    elif kind == "rot":
        yield from _rot(base, chance)
    else:
        yield from _blocks(base, chance)


def _rot(base: _Base, chance: Random) -> Iterator[tuple[str, bytes, bytes]]:
    """A sector before the last flush vanished, perhaps the mark too: the later flush proves that it was there."""
    sectors = (len(base.old.rstrip(b"\n")) + 1) // SECTOR_BYTES
    for _ in range(_ROTS if sectors else 0):
        at = SECTOR_BYTES * chance.randrange(sectors)
        filling = chance.choice((b"\n", b"\0"))
        image = base.new[:at] + filling * SECTOR_BYTES + base.new[at + SECTOR_BYTES :]
        yield f"sector at {at} lost", image, chance.choice((base.new_mark, base.old_mark, b"", bytes(128)))


def _subsets(base: _Base, chance: Random) -> Iterator[tuple[str, bytes, bytes]]:
    """Every subset of the flush's sectors if there are not too many, otherwise random ones."""
    old = base.old.ljust(len(base.new), b"\n")
    sectors = [at for at in range(0, len(base.new), SECTOR_BYTES) if old[at : at + 512] != base.new[at : at + 512]]
    every = 2 ** len(sectors) if len(sectors) < 12 else 0
    for number in range(every or _SUBSETS):
        mask = number if every else chance.getrandbits(len(sectors))
        image = bytearray(old)
        for index, at in enumerate(sectors):
            if mask >> index & 1:
                image[at : at + SECTOR_BYTES] = base.new[at : at + SECTOR_BYTES]
        marks = (base.old_mark, base.old_mark, b"", bytes(128), base.old_mark[: chance.randrange(64)])
        yield f"sectors {mask:x}", bytes(image), chance.choice(marks)


def _blocks(base: _Base, chance: Random) -> Iterator[tuple[str, bytes, bytes]]:
    """Blocks of the records misplaced, exchanged, doubled, zeroed, emptied or filled with noise."""
    for _ in range(_BLOCKS):
        size = chance.choice((8, 64, SECTOR_BYTES, 4096))
        at, other = chance.randrange(base.length), chance.randrange(base.length)
        if size >= SECTOR_BYTES:
            at, other = at // SECTOR_BYTES * SECTOR_BYTES, other // SECTOR_BYTES * SECTOR_BYTES
        here, there = base.new[at : at + size], base.new[other : other + size]
        size = min(len(here), len(there))
        kind = chance.choice(("misplaced", "exchanged", "doubled", "zeroed", "emptied", "noise"))
        image = bytearray(base.new)
        if kind in ("misplaced", "exchanged"):
            image[at : at + size] = there[:size]
            if kind == "exchanged" and abs(at - other) >= size:
                image[other : other + size] = here[:size]
        elif kind == "doubled":
            image[at + size : at + size] = here[:size]
            del image[len(base.new) :]
        else:
            fillings = {"zeroed": bytes(size), "emptied": b"\n" * size, "noise": chance.randbytes(size)}
            image[at : at + size] = fillings[kind]
        yield f"{size} bytes {kind} at {at}, other {other}", bytes(image), chance.choice((base.old_mark, base.new_mark))


def count_images(*, seed: int, commands: int, kind: str) -> int:
    """How many different images ``damage_everywhere`` judges."""
    base = _Base(Random(f"{seed}/{commands}"), commands)
    images = _images(base, kind, Random(f"{seed}/{commands}/{kind}"))
    return len({hash((image, mark)) for _what, image, mark in images})


def damage_everywhere(*, seed: int, commands: int, kind: str, share: tuple[int, int] = (0, 1)) -> Outcome:
    """Judge images of one ``kind`` on a journal whose last flush has ``commands`` commands.

    ``share`` (n, of): only the n-th of every so many images.
    """
    base = _Base(Random(f"{seed}/{commands}"), commands)
    outcome = Outcome(suite="damage", unit="images")
    seen: set[int] = set()
    for number, (what, image, mark) in enumerate(_images(base, kind, Random(f"{seed}/{commands}/{kind}"))):
        if number % share[1] != share[0]:
            continue
        outcome.tried += 1
        seen.add(hash((image, mark)))
        try:
            wrong = base.judged(image, mark)
        except Exception as error:  # noqa: BLE001  # whatever it is, an image must not break the opening
            wrong = f"opening fails: {error!r}"
        if wrong:
            outcome.findings.append(f"seed {seed}, {commands} commands, {kind}, image {number} ({what}): {wrong}")
            if len(outcome.findings) >= _FINDINGS_MAX:
                break
    outcome.distinct = len(seen)
    outcome.count(KINDS[kind], outcome.tried)
    return outcome
