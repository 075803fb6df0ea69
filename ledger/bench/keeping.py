"""Rows about what stays: memory per event while writing and while replaying, and the index of keys."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from ledger.bench.child import Child
from ledger.bench.row import BenchRow, limit_row
from ledger.bench.stage import Stage, command, consumed, rss_anon_bytes
from ledger.engine.env import OsEnv
from ledger.engine.index import Index, KeysFile, Tables, write_keys
from ledger.engine.tables import key_hash

_MIB = 2**20
_SMALL_SEGMENT_BYTES = _MIB
_COMMANDS, _COMMAND_EVENTS = 60, 500
_SMALLEST_FILE_KEYS = 150_000
_BYTES_PER_ROW = 300
_LOOKUPS = 20_000


def memory_of_writing(name: str, stage: Stage) -> Iterator[BenchRow]:
    """Anonymous memory per 1000 events, over many seals, after the first tenth has warmed everything up."""
    with stage.journal(segment_bytes=_SMALL_SEGMENT_BYTES) as journal:
        begun = 0
        for number in range(_COMMANDS):
            if number == _COMMANDS // 10:
                journal.settle_sealing()
                begun = rss_anon_bytes()
            journal.execute(command(f"m-{number}", [consumed(index) for index in range(_COMMAND_EVENTS)]))
        journal.settle_sealing()
        grown = max(rss_anon_bytes() - begun, 0)
    thousands = _COMMANDS * _COMMAND_EVENTS * 0.9 / 1000
    yield limit_row(name, unit="MiB/1000", ours=grown / thousands / _MIB, at_most=1)


def memory_of_replay(name: str, stage: Stage) -> Iterator[BenchRow]:
    """How much more a process needs for the last nine tenths of a replay than for the first: flat is nothing."""
    stage.fill()
    with Child("replay", stage.path) as reader:
        reader.start()
        *_, grown = reader.answer()
    yield limit_row(name, unit="MiB", ours=grown / _MIB, at_most=1)


def key_index(name: str, stage: Stage) -> Iterator[BenchRow]:
    """Sealed keys in as many files as merging ever leaves: each half as large as the one before.

    Bytes on disk per key (16, and at most 2 for the fence that finds the place), and processor time to see that a key
    is new.
    """
    count, largest = 0, stage.sizes.keys // 2
    files: list[KeysFile] = []
    while not files or largest >= min(_SMALLEST_FILE_KEYS, stage.sizes.keys // 8):
        files.append(_keys_file(stage.home / f"{len(files)}.keys", count, largest))
        count, largest = count + largest, largest // 2
    on_disk = sum(path.stat().st_size for path in stage.home.glob("*.keys"))
    yield limit_row(f"{name}, disk per sealed key", unit="bytes", ours=on_disk / count, at_most=18)
    index = Index()
    index.files = tuple(files)
    keys = [f"order-{number}" for number in range(_LOOKUPS)]
    for key in keys:
        index.seqs_of(key_hash(key))
    started = time.thread_time()
    for key in keys:
        index.seqs_of(key_hash(key))
    spent = time.thread_time() - started
    yield limit_row(f"{name}, a new key", unit="us", ours=spent / _LOOKUPS * 1e6, at_most=5)


def _keys_file(path: Path, before: int, count: int) -> KeysFile:
    """A file of so many keys, as sealing makes it."""
    tables = Tables(count * _BYTES_PER_ROW)
    hashes = random.Random(before)
    tables.add([], [(hashes.getrandbits(64), before + number) for number in range(1, count + 1)], {})
    write_keys(OsEnv(), path, first=before + 1, last=before + count, sources=[tables])
    return KeysFile(OsEnv(), path)
