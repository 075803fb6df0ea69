"""Sealed segments: read-only, listed, found by index files, and no longer in memory."""

import gc
import hashlib
import json
import os
import random
import stat
from pathlib import Path

import psutil
import pytest

from ledger.engine import Journal
from ledger.engine.env import OsEnv
from ledger.engine.index import KeysFile, Tables, write_keys
from ledger.engine.tables import Table
from ledger.proof.verification import verify
from ledger.tests.engine.counting import Counting, event, opened, record


def filled(home: Path, count: int = 400, segment_bytes: int = 16 * 1024) -> Journal:
    journal = opened(home, segment_bytes=segment_bytes)
    for number in range(count):
        record(journal, f"k{number}", event(f"agent:{number % 30}", number))
    journal.settle_sealing()
    return journal


def test_sealed_segments_are_read_only_without_padding_and_listed_with_their_digest(home: Path) -> None:
    """One manifest line each: first, last, bytes, sha256, head hash, state digest."""
    journal = filled(home)
    journal.close()

    lines = [json.loads(line) for line in (home / "manifest.jsonl").read_bytes().splitlines()]

    names = sorted(path.name for path in (home / "segments").glob("*.jsonl"))
    assert len(lines) == len(names) - 1 > 8
    for line, name in zip(lines, names, strict=False):
        path = home / "segments" / name
        content = path.read_bytes()
        assert list(line) == ["first", "last", "bytes", "sha256", "crc", "head", "state"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o440
        assert line["bytes"] == len(content)
        assert line["sha256"] == hashlib.sha256(content).hexdigest()
        records = [json.loads(one) for one in content.splitlines()]
        assert [one["seq"] for one in records] == list(range(line["first"], line["last"] + 1))
        assert records[0]["type"] == "segment.opened"
        assert records[-1]["type"] == "segment.sealed"
        assert records[-1]["hash"] == line["head"]
        assert records[-1]["data"]["state"] == line["state"]
        assert records[-1]["data"]["events"] == len(records) - 1
    assert os.readlink(home.parent / "credits.jsonl") == f"credits/segments/{names[-1]}"


def test_events_keys_and_versions_are_found_across_sealed_segments(home: Path) -> None:
    """By the process that wrote them and by one that opens later; a retry of an old key is answered."""
    journal = filled(home)
    for one in (journal, opened(home)):
        assert [found.data["amount_micros"] for found in one.read(types=["credit.consumed"])] == list(range(400))
        assert all(one.stream_version(f"agent:{number}") == (14 if number < 10 else 13) for number in range(30))
        for number in (0, 7, 200, 399):
            answer = record(one, f"k{number}", event(f"agent:{number % 30}", number))
            assert answer.is_repeated
            assert one.get(seq=answer.events[0].seq) == answer.events[0]
        one.close()


@pytest.mark.parametrize("descending", [False, True])
def test_a_reader_finds_its_events_while_another_thread_reads_the_journal_again(home: Path, descending: bool) -> None:
    """Nothing is in its place then; the view that the reader took under the lock is what it was."""
    journal = filled(home)
    store = journal._keeper.store
    count = journal.head.seq
    events = journal.read(descending=descending)
    found = [next(events).seq]

    store.rewind(lambda first: False)
    found += [event.seq for event in events]

    assert store.firsts == []
    assert sorted(found) == list(range(1, count + 1))
    journal._keeper.is_stale = True
    assert journal.get(seq=count).seq == count
    journal.close()


def test_index_files_are_few_small_and_made_again_when_damaged_or_missing(home: Path) -> None:
    """They are derived: 16 bytes a key, merged as a binary counter; without them the journal opens all the same."""
    filled(home).close()
    segments = home / "segments"
    files = sorted(segments.glob("*.keys"))
    assert len(files) <= 5
    sealed = [path.with_suffix(".jsonl").read_text() for path in segments.glob("*.idx")]
    assert sum(KeysFile(OsEnv(), path).key_count for path in files) == sum(text.count(',"key":"') for text in sealed)
    files[0].write_bytes(files[0].read_bytes()[:-1] + b"?")
    files[-1].unlink()
    for path in list(segments.glob("*.idx"))[::2]:
        path.write_bytes(b"damaged")

    journal = opened(home)

    assert journal._keeper.store.index.sealing == {}
    assert record(journal, "k3", event("agent:3", 3)).is_repeated
    assert journal.stream_version("agent:9") == 14
    assert [one.data["amount_micros"] for one in journal.read(stream="agent:29", limit=2)] == [29, 59]
    journal.close()


def test_a_state_that_no_longer_reaches_the_sealed_digest_is_reported(home: Path) -> None:
    """Replay from the first event must give what was sealed; if the rules changed, somebody should know."""

    class Other(Counting):
        def digest(self) -> str:
            return "0" * 64

    filled(home).close()

    journal = Journal.open(path=home, state=Other())

    assert any("differs from what was sealed" in warning for warning in journal.status.warnings)
    journal.close()
    again = opened(home)
    assert again.status.warnings == ()
    again.close()


def test_a_sealed_segment_that_was_changed_or_taken_away_is_reported(home: Path) -> None:
    """Also in the middle, also with the last segment untouched."""
    filled(home).close()
    victim = sorted((home / "segments").glob("*.jsonl"))[3]
    content = victim.read_bytes()
    victim.chmod(0o640)
    victim.write_bytes(content.replace(b'"amount_micros":1', b'"amount_micros":2', 1))
    report = verify(path=home)
    journal = opened(home)

    assert report.problems[0].segment == victim.name
    assert journal.status.state == "read_only"
    assert victim.name in journal.status.reason
    journal.close()
    victim.unlink()
    assert verify(path=home).problems[0].what == "segment"
    gone = opened(home)
    assert gone.status.state == "read_only"
    assert f"event {int(victim.stem)}" in gone.status.reason
    gone.close()


def test_a_crash_between_sealing_and_the_next_segment_is_finished_by_whoever_comes_next(home: Path) -> None:
    """segment.sealed is the last record and no next segment exists: opening makes it."""
    journal = filled(home, 20)
    store = journal._keeper.store
    store._seal(Counting().digest())
    journal.close()

    again = opened(home)

    assert record(again, "after").events[0].flush > store.seq
    assert again.status.segments == 3 - (len(store.firsts) == 1)
    again.close()
    assert verify(path=home).is_sound


@pytest.mark.parametrize("seed", range(5))
def test_a_file_of_keys_finds_what_a_dictionary_finds(tmp_path: Path, seed: int) -> None:
    """Random rows, hashes that collide and that crowd together at both ends, through tables, a file and a merge."""
    chance = random.Random(seed)
    env = OsEnv()
    model: dict[int, list[int]] = {}
    versions: dict[tuple[int, int], int] = {}
    parts = [Tables(4096), Tables(4096)]
    for seq in range(1, 3000):
        tables = parts[seq // 1500]
        first = chance.choice([chance.getrandbits(64), chance.getrandbits(6), 2**64 - 1 - chance.getrandbits(6)])
        model.setdefault(first, []).append(seq)
        tables.keys.add(first, seq)
        pair = (first, chance.getrandbits(2))
        versions[pair] = max(seq, versions.get(pair, 0))
        tables.streams.put(*pair, versions[pair])
    paths = [tmp_path / f"{number}.keys" for number in range(3)]
    for path, tables in zip(paths, parts, strict=False):
        write_keys(env, path, first=1, last=9, sources=[tables])
    write_keys(env, paths[2], first=1, last=9, sources=[KeysFile(env, paths[0]), KeysFile(env, paths[1])])

    keys = KeysFile(env, paths[2])

    assert all(keys.find(first) == found for first, found in model.items())
    assert all(keys.version(*pair) == version for pair, version in versions.items())
    assert keys.find(12345678901234567890) == []
    assert keys.version(1, 99) == 0
    assert paths[2].stat().st_size <= 18 * keys.key_count + 26 * keys.stream_count + 100


def test_a_table_grows_when_it_must_and_stays_sorted() -> None:
    """Only unusual segments come here; what was in it is still found."""
    table = Table(bits=4, is_wide=True)

    for number in range(1, 500):
        table.put(number << 55, 1, number)

    assert all(table.get(number << 55, 1) == number for number in range(1, 500))
    assert [row[2] for row in table.rows()] == list(range(1, 500))


def test_one_command_may_fill_a_segment_far_beyond_its_size(home: Path) -> None:
    """The tables of a small segment grow in the middle of a flush; everything is found, now and after a restart."""
    journal = opened(home, segment_bytes=4096)
    record(journal, "large", *[event(f"agent:{number}", number) for number in range(500)])
    journal.settle_sealing()

    for one in (journal, opened(home)):
        assert [found.data["amount_micros"] for found in one.read(stream="agent:499")] == [499]
        assert one.stream_version("agent:250") == 1
        assert record(one, "large", event()).is_repeated
        one.close()
    assert verify(path=home).is_sound


def test_memory_does_not_grow_with_sealed_events(home: Path) -> None:
    """8,000 events over 20 segments more cost no anonymous memory: only the state grows, and this one does not."""
    gc.collect()  # or what earlier tests left open decides
    descriptors = psutil.Process().num_fds()
    journal = filled(home, 2000, 128 * 1024)
    anonymous = _rss_anon()
    for number in range(8000):
        record(journal, f"more-{number}", event(f"agent:{number % 30}", number))
        if number % 100 == 0:
            state = journal._keeper._state
            assert isinstance(state, Counting)
            state.applied.clear()
    journal.settle_sealing()

    grown = _rss_anon() - anonymous

    assert journal.status.segments > 20
    assert grown < 2 * 2**20, f"{grown} bytes"
    assert psutil.Process().num_fds() - descriptors < 50
    journal.close()


def test_a_reader_that_follows_a_writer_gives_up_the_tables_of_what_was_sealed(home: Path) -> None:
    """It has the index files the writer made, so its memory does not grow with events either; all is still found."""
    writer = opened(home, segment_bytes=16 * 1024)
    reader = opened(home, read_only=True)
    for number in range(400):
        record(writer, f"k{number}", event(f"agent:{number % 30}", number))
        if number % 10 == 0:
            writer.settle_sealing()
            assert reader.head == writer.head

    index = reader._keeper.store.index

    assert writer.status.segments > 8
    assert len(index.sealing) <= 2
    assert reader.head == writer.head
    assert [one.data["amount_micros"] for one in reader.read(types=["credit.consumed"])] == list(range(400))
    assert all(reader.stream_version(f"agent:{number}") == (14 if number < 10 else 13) for number in range(30))
    reader.close()
    writer.close()


def _rss_anon() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon on this system")
