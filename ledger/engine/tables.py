"""Tables of fixed size for the active segment: they are allocated when it opens and do not grow with its events.

Plain dictionaries cost 125 to 149 bytes an entry and look like a leak. The home slot is the top bits of the hash, with
no wrap-around, so that the slots read in order are the entries sorted but for clusters: a sealed file needs no sort.
"""

import hashlib
import mmap
from collections.abc import Iterator
from functools import lru_cache

_blake2b = hashlib.blake2b
_SLACK = 512
_FULL = 0.75


def key_hash(key: str) -> int:
    """64 bits that stand for an idempotency key in tables and files; a hit is confirmed by reading the record."""
    return int.from_bytes(_blake2b(key.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=8192)
def stream_hash(stream: str) -> tuple[int, int]:
    """128 bits that stand for a stream: as good as its name, so that a version needs no confirming read."""
    digest = _blake2b(stream.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")


_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE


def column(length: int) -> "memoryview[int]":
    """Zeroed private memory for ``length`` numbers: all of it is there at once, so that it never looks like growth,
    and it goes back to the system as soon as nothing refers to it."""
    return memoryview(mmap.mmap(-1, length * 8, flags=_PRIVATE)).cast("Q")


def narrow_column(length: int) -> "memoryview[int]":
    """As ``column``, for numbers below 2**32."""
    return memoryview(mmap.mmap(-1, length * 4, flags=_PRIVATE)).cast("I")


class Table:
    """Rows of one hash (64 bits), optionally a second one, and a positive value; open addressing, linear probing."""

    __slots__ = ("_bits", "_shift", "count", "first", "second", "value")

    def __init__(self, *, bits: int, is_wide: bool) -> None:
        self._bits = bits
        self._shift = 64 - bits
        slots = (1 << bits) + _SLACK
        self.first = column(slots)
        self.second = column(slots) if is_wide else None
        self.value = column(slots)
        self.count = 0

    def find(self, first: int) -> list[int]:
        """The values of every row with this hash."""
        slot = first >> self._shift
        hashes, values = self.first, self.value
        found = []
        while value := values[slot]:
            if hashes[slot] == first:
                found.append(value)
            slot += 1
        return found

    def add(self, first: int, value: int) -> None:
        """One more row, even if the hash is there already."""
        slot = first >> self._shift
        values = self.value
        while values[slot]:
            slot += 1
        self.first[slot] = first
        values[slot] = value
        self._grow_after(slot)

    def get(self, first: int, second: int) -> int:
        """The value of a wide row, 0 if there is none."""
        slot = first >> self._shift
        firsts, seconds, values = self.first, self.second, self.value
        assert seconds is not None
        while value := values[slot]:
            if firsts[slot] == first and seconds[slot] == second:
                return value
            slot += 1
        return 0

    def put(self, first: int, second: int, value: int) -> None:
        """Set the value of a wide row, adding the row if needed."""
        slot = first >> self._shift
        firsts, seconds, values = self.first, self.second, self.value
        assert seconds is not None
        while values[slot]:
            if firsts[slot] == first and seconds[slot] == second:
                values[slot] = value
                return
            slot += 1
        firsts[slot], seconds[slot], values[slot] = first, second, value
        self._grow_after(slot)

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """(first, second, value) sorted, one cluster in memory at a time."""
        firsts, seconds, values = self.first, self.second, self.value
        cluster: list[tuple[int, int, int]] = []
        for slot in range(len(values)):
            if value := values[slot]:
                cluster.append((firsts[slot], 0 if seconds is None else seconds[slot], value))
            elif cluster:
                cluster.sort()
                yield from cluster
                cluster = []

    def _grow_after(self, slot: int) -> None:
        """Only a segment of unusually small records, or hashes made to collide, ever come here to grow."""
        self.count += 1
        if self.count <= _FULL * (1 << self._bits) and slot < len(self.value) - 2:
            return
        larger = Table(bits=self._bits + 1, is_wide=self.second is not None)
        for first, second, value in self.rows():
            if self.second is None:
                larger.add(first, value)
            else:
                larger.put(first, second, value)
        self._bits, self._shift, self.count = larger._bits, larger._shift, larger.count
        self.first, self.second, self.value = larger.first, larger.second, larger.value
