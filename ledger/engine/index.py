"""Finding events: offsets of a segment, seqs of an idempotency key, versions of a stream.

The active segment has tables in memory; sealed ones have files: ``.idx`` with 4 bytes per event, ``.keys`` with 16
bytes per key and 24 per stream, sorted, and at most 2 bytes each for the fence that finds the place in one step. Files
are made from the segments and can be made again; a damaged one is as good as a missing one.
"""

import os
import struct
from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain
from pathlib import Path
from zlib import crc32

from ledger.engine import limits
from ledger.engine.env import Buffer, Env
from ledger.engine.event import Event
from ledger.engine.layout import write_all
from ledger.engine.tables import Table, key_hash, narrow_column, stream_hash

_OFFSETS_HEADER = struct.Struct("<8sQQI")
_OFFSETS_MAGIC = b"GHIDX01\n"
_KEYS_HEADER = struct.Struct("<8sQQQQIIIxxxx")
_KEYS_MAGIC = b"GHKEY01\n"
_FENCE = struct.Struct("<II")
_PAIR = struct.Struct(">QQ")
_TRIPLE = struct.Struct(">QQQ")
_TYPICAL_RECORD_BYTES = 300


class Tables:
    """The index of one segment in memory, of fixed size."""

    __slots__ = ("_capacity", "count", "keys", "offsets", "streams")

    def __init__(self, segment_bytes: int) -> None:
        records = max(segment_bytes // _TYPICAL_RECORD_BYTES, 64)
        bits = records.bit_length()
        self._capacity = 1 << bits
        self.offsets = narrow_column(self._capacity + 1)
        self.count = 0
        self.keys = Table(bits=bits, is_wide=False)
        self.streams = Table(bits=bits - 1, is_wide=True)

    def add_events(self, events: list[Event], lengths: list[int]) -> None:
        """Events in order of seq, and the bytes of their records."""
        keys = [(key_hash(event[9]), event[0]) for event in events if event[9] is not None]
        self.add(lengths, keys, {event[2]: event[3] for event in events})

    def add(self, lengths: Iterable[int], keys: list[tuple[int, int]], versions: dict[str, int]) -> None:
        """The bytes of further records, (hash, seq) of their keys, the last versions of their streams."""
        count, offsets = self.count, self.offsets
        end = offsets[count]
        for length in lengths:
            if count == self._capacity:
                offsets = self._grow()
            count += 1
            end += length
            offsets[count] = end
        self.count = count
        for first, seq in keys:
            self.keys.add(first, seq)
        for stream, version in versions.items():
            self.streams.put(*stream_hash(stream), version)

    def _grow(self) -> "memoryview[int]":
        """Only a segment with one flush far beyond its size comes here."""
        self._capacity *= 2
        larger = narrow_column(self._capacity + 1)
        larger[: len(self.offsets)] = self.offsets
        self.offsets = larger
        return larger


def write_offsets(env: Env, path: Path, *, first: int, tables: Tables) -> None:
    """The .idx file of a sealed segment. The caller puts it in place."""
    body = tables.offsets[: tables.count + 1].tobytes()
    fd = env.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(env, fd, _OFFSETS_HEADER.pack(_OFFSETS_MAGIC, first, tables.count, crc32(body)) + body, 0)
        env.fsync(fd)
    finally:
        env.close(fd)


class Offsets:
    """A .idx file, open for reading: where each event of a sealed segment begins, and where the last one ends."""

    __slots__ = ("_content", "count")

    def __init__(self, env: Env, path: Path, *, first: int, is_checked: bool = False) -> None:
        """ValueError if the file is damaged or of another segment, OSError if it cannot be read."""
        fd = env.open(path, os.O_RDONLY)
        try:
            self._content: Buffer = env.map(fd)
        finally:
            env.close(fd)
        if len(self._content) < _OFFSETS_HEADER.size:
            raise ValueError("too short")
        magic, begins, count, crc = _OFFSETS_HEADER.unpack_from(self._content)
        self.count = int(count)
        if magic != _OFFSETS_MAGIC or begins != first or len(self._content) != self._place(self.count + 1):
            raise ValueError("not the offsets of this segment")
        if is_checked and crc32(memoryview(self._content)[_OFFSETS_HEADER.size :]) != crc:
            raise ValueError("damaged")

    @staticmethod
    def _place(index: int) -> int:
        return _OFFSETS_HEADER.size + 4 * index

    def __getitem__(self, index: int) -> int:
        at = self._place(index)
        return int.from_bytes(self._content[at : at + 4], "little")


class KeysFile:
    """A .keys file, open for reading: keys and stream versions of the events ``first`` to ``last``."""

    __slots__ = ("_content", "_key_shift", "_keys_at", "_stream_shift", "first", "key_count", "last", "stream_count")

    first: int
    last: int
    key_count: int
    stream_count: int

    def __init__(self, env: Env, path: Path) -> None:
        """ValueError if the file is damaged, OSError if it cannot be read."""
        fd = env.open(path, os.O_RDONLY)
        try:
            self._content: Buffer = env.map(fd)
        finally:
            env.close(fd)
        if len(self._content) < _KEYS_HEADER.size:
            raise ValueError("too short")
        header = _KEYS_HEADER.unpack_from(self._content)
        key_bits: int
        stream_bits: int
        magic, self.first, self.last, self.key_count, self.stream_count, key_bits, stream_bits, crc = header
        self._key_shift, self._stream_shift = 64 - key_bits, 64 - stream_bits
        self._keys_at = _KEYS_HEADER.size + 4 * ((1 << key_bits) + (1 << stream_bits) + 2)
        if magic != _KEYS_MAGIC or len(self._content) != self._streams_at + 24 * self.stream_count:
            raise ValueError("not a file of keys")
        if crc != crc32(memoryview(self._content)[_KEYS_HEADER.size :]):
            raise ValueError("damaged")

    @property
    def _streams_at(self) -> int:
        return self._keys_at + 16 * self.key_count

    def find(self, first: int) -> list[int]:
        """The seqs of the events whose key has this hash."""
        content = self._content
        low, high = _FENCE.unpack_from(content, _KEYS_HEADER.size + 4 * (first >> self._key_shift))
        start, end = self._keys_at + 16 * low, self._keys_at + 16 * high
        if content.find(first.to_bytes(8), start, end) < 0:  # nearly every key is new, and this sees it soonest
            return []
        return [row[1] for row in _PAIR.iter_unpack(content[start:end]) if row[0] == first]

    def version(self, first: int, second: int) -> int:
        """The last version of the stream with these hashes, 0 if it has no event here."""
        content = self._content
        fence_at = _KEYS_HEADER.size + 4 * ((1 << (64 - self._key_shift)) + 1)
        low, high = _FENCE.unpack_from(content, fence_at + 4 * (first >> self._stream_shift))
        rows = content[self._streams_at + 24 * low : self._streams_at + 24 * high]
        found: list[int] = [
            version for one, two, version in _TRIPLE.iter_unpack(rows) if one == first and two == second
        ]
        return int(found[0]) if found else 0

    def key_rows(self) -> Iterator[tuple[int, int]]:
        """(hash, seq), sorted."""
        for rows in self._slices(self._keys_at, self._streams_at, 16):
            yield from _PAIR.iter_unpack(rows)

    def stream_rows(self) -> Iterator[tuple[int, int, int]]:
        """(hash, hash, version), sorted."""
        for rows in self._slices(self._streams_at, len(self._content), 24):
            yield from _TRIPLE.iter_unpack(rows)

    def _slices(self, start: int, end: int, width: int) -> Iterator[bytes]:
        step = width * 1024
        for at in range(start, end, step):
            yield self._content[at : min(at + step, end)]


def write_keys(env: Env, path: Path, *, first: int, last: int, sources: list[Tables | KeysFile]) -> None:
    """One .keys file from tables and other .keys files, in constant memory. The caller puts it in place."""
    keys = merge(*[_key_rows(source) for source in sources])
    streams = _newest(merge(*[_stream_rows(source) for source in sources]))
    key_count = sum(_counts(source)[0] for source in sources)
    key_bits = _fence_bits(key_count)
    stream_bits = _fence_bits(max(_counts(source)[1] for source in sources))
    keys_at = _KEYS_HEADER.size + 4 * ((1 << key_bits) + (1 << stream_bits) + 2)
    fd = env.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        key_fence = _write_rows(env, fd, keys_at, key_bits, _PAIR, keys)
        stream_fence = _write_rows(env, fd, keys_at + 16 * key_count, stream_bits, _TRIPLE, streams)
        write_all(env, fd, (key_fence + stream_fence).tobytes(), _KEYS_HEADER.size)
        end = keys_at + 16 * key_count + 24 * stream_fence[-1]
        crc = _crc_of_file(env, fd, _KEYS_HEADER.size, end)
        header = (_KEYS_MAGIC, first, last, key_count, stream_fence[-1], key_bits, stream_bits, crc)
        write_all(env, fd, _KEYS_HEADER.pack(*header), 0)
        env.fsync(fd)
    finally:
        env.close(fd)


def _counts(source: Tables | KeysFile) -> tuple[int, int]:
    if isinstance(source, Tables):
        return source.keys.count, source.streams.count
    return source.key_count, source.stream_count


def _key_rows(source: Tables | KeysFile) -> Iterator[tuple[int, int]]:
    if isinstance(source, KeysFile):
        return source.key_rows()
    return ((first, value) for first, _, value in source.keys.rows())


def _stream_rows(source: Tables | KeysFile) -> Iterator[tuple[int, int, int]]:
    return source.stream_rows() if isinstance(source, KeysFile) else source.streams.rows()


def _newest(rows: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Of several rows of one stream the highest version, which is the last of them."""
    kept: tuple[int, int, int] | None = None
    for row in rows:
        if kept is not None and kept[:2] != row[:2]:
            yield kept
        kept = row
    if kept is not None:
        yield kept


def _fence_bits(count: int) -> int:
    """4 bytes per fence post, at most 2 bytes per row."""
    return max((count // 2).bit_length() - 1, 0)


def _write_rows(
    env: Env, fd: int, start: int, bits: int, layout: struct.Struct, rows: Iterable[tuple[int, ...]]
) -> "array[int]":
    """Write sorted rows from ``start`` on; the answer is their fence: before which row each range of hashes begins."""
    fence = array("I", [0]) * ((1 << bits) + 1)
    shift, at = 64 - bits, start
    pending: list[bytes] = []
    for row in rows:
        pending.append(layout.pack(*row))
        fence[(row[0] >> shift) + 1] += 1
        if len(pending) == 4096:
            write_all(env, fd, b"".join(pending), at)
            at += layout.size * len(pending)
            pending = []
    write_all(env, fd, b"".join(pending), at)
    for post in range(1, len(fence)):
        fence[post] += fence[post - 1]
    return fence


def _crc_of_file(env: Env, fd: int, start: int, end: int) -> int:
    crc = 0
    for at in range(start, end, limits.CHUNK_BYTES):
        crc = crc32(env.pread(fd, min(limits.CHUNK_BYTES, end - at), at), crc)
    return crc


class Index:
    """Keys and stream versions of the whole journal: the active tables, those being sealed, and the files."""

    __slots__ = ("active", "files", "sealing")

    def __init__(self) -> None:
        self.active: Tables | None = None
        self.sealing: dict[int, Tables] = {}
        self.files: tuple[KeysFile, ...] = ()

    def seqs_of(self, first: int) -> list[int]:
        """Events whose key may have this hash; the caller confirms by reading them."""
        found = self.active.keys.find(first) if self.active is not None else []
        for tables in self.sealing.values():
            found += tables.keys.find(first)
        for keys in self.files:
            found += keys.find(first)
        return found

    def version_of(self, stream: str) -> int:
        """The last version of a stream, 0 if it has no event."""
        first, second = stream_hash(stream)
        if self.active is not None and (version := self.active.streams.get(first, second)):
            return version
        sealing = (tables.streams.get(first, second) for tables in self.sealing.values())
        return max(chain(sealing, (keys.version(first, second) for keys in self.files)), default=0)
