"""The bytes on disk, pinned: what is written once must be read for ever."""

import hashlib
import json
import struct
from pathlib import Path
from zlib import crc32

from ledger.engine import NewEvent
from ledger.engine.codec import decode, encode
from ledger.engine.mark import Mark, pack, unpack
from ledger.tests.engine.counting import Counting, command, event, opened, record

FIELDS = {
    "seq": 1042,
    "time": "2026-01-15T12:00:00.123456Z",
    "stream": "agent:a-17",
    "version": 3,
    "type": "credit.consumed",
    "schema": 1,
    "actor": "user:12",
    "correlation": "mission:9",
    "causation": 1040,
    "key": "order-99",
    "fingerprint": "9a0c9a0c9a0c9a0c9a0c9a0c9a0c9a0c",
    "flush": 1041,
    "commit": [1, 2],
    "data": {"amount_micros": 1500000, "reason": 'größer, "hash":'},
}
LINE = (
    '{"seq":1042,"time":"2026-01-15T12:00:00.123456Z","stream":"agent:a-17","version":3,"type":"credit.consumed",'
    '"schema":1,"actor":"user:12","correlation":"mission:9","causation":1040,"key":"order-99",'
    '"fingerprint":"9a0c9a0c9a0c9a0c9a0c9a0c9a0c9a0c","flush":1041,"commit":[1,2],'
    '"data":{"amount_micros":1500000,"reason":"größer, \\"hash\\":"},'
    '"hash":"532f30bc405e36760cb261637b6f2cb4de20dce007e922516998cd4de6e93d32","crc":"b47da211"}\n'
)


def test_a_record_is_exactly_these_bytes() -> None:
    """Fixed key order, no blanks, UTF-8 unescaped; hash and crc at the very end."""
    line, text, digest = encode(dict(FIELDS), bytes(32))

    assert line.decode() == LINE
    assert digest.hex() == text == json.loads(LINE)["hash"]


def test_hash_and_crc_are_over_the_raw_bytes_before_them() -> None:
    """hash = SHA-256(previous raw hash + bytes before ,"hash":), crc = CRC-32 of the bytes before ,"crc":."""
    previous = bytes(range(32))

    line, _, _ = encode(dict(FIELDS), previous)

    body = line[: line.rindex(b',"hash":')]
    assert json.loads(line)["hash"] == hashlib.sha256(previous + body).hexdigest()
    assert int(json.loads(line)["crc"], 16) == crc32(line[: line.rindex(b',"crc":')])


def test_a_record_reads_back_as_the_event_that_was_written() -> None:
    """Every field, and None for those that are absent in the line."""
    line, text, _ = encode({name: value for name, value in FIELDS.items() if name != "causation"}, bytes(32))

    read = decode(line[:-1])

    assert read is not None
    assert read._asdict() == {**FIELDS, "causation": None, "commit": (1, 2), "hash": text}


def test_a_durable_slot_is_exactly_these_64_bytes() -> None:
    """seq, segment, offset as little-endian 64 bits, the raw hash, epoch and poison, then a crc."""
    mark = Mark(7, 1, 900, bytes(range(32)), 3, True)

    slot = pack(mark)

    body = struct.pack("<QQQ", 7, 1, 900) + bytes(range(32)) + struct.pack("<I", 7)
    assert slot == body + struct.pack("<I", crc32(body))
    assert unpack(slot) == mark
    assert unpack(slot[:-1] + b"\0") is None


def test_a_new_journal_has_these_files_and_begins_with_segment_opened(home: Path) -> None:
    """journal.json once and for ever; the first record names the journal and the hash before it."""
    journal = opened(home)
    record(journal, "k1")
    journal.close()

    names = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    facts = json.loads((home / "journal.json").read_bytes())
    first = json.loads((home / "segments" / "00000000000000000001.jsonl").read_bytes().splitlines()[0])
    assert names == ["durable", "journal.json", "lock", "segments/00000000000000000001.jsonl"]
    assert list(facts) == ["format", "journal_id", "created", "segment_bytes"]
    assert facts["format"] == "gatehouse-journal-1"
    assert ",".join(first) == "seq,time,stream,version,type,schema,actor,correlation,flush,data,hash,crc"
    assert first["type"] == "segment.opened"
    assert first["stream"] == "system:journal"
    assert first["actor"] == "system:engine"
    assert first["data"] == {"journal": facts["journal_id"], "previous": "0" * 64}


def test_the_active_segment_is_filled_with_newlines_and_reachable_at_the_well_known_path(home: Path) -> None:
    """jq and grep work on <directory>.jsonl, a link to the active segment; padding is never a raw line."""
    journal = opened(home)
    record(journal, "k1")

    shortcut = home.parent / "credits.jsonl"
    content = shortcut.read_bytes()
    assert shortcut.is_symlink()
    assert len(content) == 2**20
    assert [json.loads(line)["seq"] for line in content.split()] == [1, 2]
    journal.close()


def test_the_first_event_of_a_command_carries_key_and_fingerprint_and_all_carry_the_flush(home: Path) -> None:
    """Three events of one command: one commit, one key, versions by stream, causes inside the command."""
    journal = opened(home)
    caused = NewEvent(stream="agent:b", type="anomaly.detected", data={}, caused_by=0)

    events = journal.execute(command("k1", [event("agent:a"), caused, event("agent:a")])).events

    assert [one.key for one in events] == ["k1", None, None]
    assert [one.fingerprint is None for one in events] == [False, True, True]
    assert [one.commit for one in events] == [(1, 3), (2, 3), (3, 3)]
    assert {one.flush for one in events} == {events[0].seq}
    assert [one.version for one in events] == [1, 1, 2]
    assert events[1].causation == events[0].seq
    journal.close()


def test_what_is_answered_is_what_is_read_again_later(home: Path) -> None:
    """The receipt, get, read and a replay from the files agree in every field."""
    journal = opened(home)
    answered = [record(journal, f"k{number}", event(amount=number)).events[0] for number in range(5)]
    journal.close()

    again = opened(home)
    assert [again.get(seq=one.seq) for one in answered] == answered
    assert list(again.read(types=["credit.*"])) == answered
    state = again._keeper._state
    assert isinstance(state, Counting)
    assert state.sums == {"agent:a": 10}
    again.close()


def test_time_never_goes_backwards_and_a_jump_is_recorded(home: Path) -> None:
    """The wall clock falls back by an hour: times still increase, clock.jumped says by how much."""
    from ledger.tests.engine.disk import FailingDisk

    env = FailingDisk()
    journal = opened(home, env=env)
    before = record(journal, "k1").events[0]
    env.wall_offset = -3_600_000_000

    after = record(journal, "k2").events[0]

    jumps = list(journal.read(types=["clock.jumped"]))
    assert after.time > before.time
    assert len(jumps) == 1
    assert -3_601_000_000 < jumps[0].data["micros"] <= -3_599_000_000
    journal.close()
