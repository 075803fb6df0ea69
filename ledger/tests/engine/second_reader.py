"""A reader of journals written from FORMAT.md alone: nothing of the engine is imported here, or was looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import blake2b, sha256
from struct import calcsize, unpack_from
from typing import Any
from zlib import crc32

FIELDS = "seq time stream version type schema actor correlation causation key fingerprint flush commit data hash crc"
ORDER = tuple(re.findall(r"\w+", FIELDS))
OPTIONAL = {"causation", "key", "fingerprint", "commit"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Wrong(Exception):
    """Something is not as the text says."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise Wrong(what)


def read_journal(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Every record of a journal whose last flush is durable; Wrong if any file is not as the text says."""
    facts = _facts(files["journal.json"])
    names = sorted(name for name in files if re.fullmatch(r"segments/\d{20}\.jsonl", name))
    records: list[dict[str, Any]] = []
    previous, ends = bytes(32), {}
    for name in names:
        first = int(name[9:29])
        require(first == len(records) + 1, f"{name} does not go on")
        offset = 0
        for line in _lines(files[name]):
            record = _record(line, len(records) + 1, previous, records)
            offset += len(line) + 1
            previous = bytes.fromhex(record["hash"])
            records.append({**record, "offset": offset - len(line) - 1})
            ends[record["seq"]] = (first, offset)
        opened = records[first - 1]
        require(opened["type"] == "segment.opened" and opened["data"]["journal"] == facts["journal_id"], name)
        before = records[first - 2]["hash"] if first > 1 else "0" * 64
        require(opened["data"]["previous"] == before, f"{name} names another event before it")
    _commits(records)
    _mark(files["durable"], records, ends)
    sealed = [_manifest_line(line, files, records) for line in _json_lines(files["manifest.jsonl"])]
    require([one["first"] for one in sealed] == [int(name[9:29]) for name in names[:-1]], "the manifest")
    for name, content in files.items():
        if name.endswith(".idx"):
            _offsets(name, content, records, ends)
        elif name.endswith(".keys"):
            _keys(name, content, records)
        elif name.startswith("snapshots/"):
            _snapshot(name, content, facts, records)
    return records


def _facts(content: bytes) -> dict[str, Any]:
    facts: dict[str, Any]
    (facts,) = _json_lines(content)
    require(list(facts) == ["format", "journal_id", "created", "segment_bytes"], "journal.json")
    require(facts["format"] == "gatehouse-journal-1", "the format")
    require(re.fullmatch("[0-9a-f]{32}", facts["journal_id"]) and TIME.fullmatch(facts["created"]), "journal.json")
    require(4096 <= facts["segment_bytes"] <= 2**31, "segment_bytes")
    return facts


def _json_lines(content: bytes) -> Iterator[Any]:
    require(content.endswith(b"\n"), "the last line has no end")
    for line in content[:-1].split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise Wrong("a line is no JSON") from error


def _lines(content: bytes) -> list[bytes]:
    body = content.rstrip(b"\n")
    require(len(body) < len(content), "the last record has no end")
    return body.split(b"\n")


def _record(line: bytes, seq: int, previous: bytes, before: list[dict[str, Any]]) -> dict[str, Any]:
    digest = sha256(previous + line[:-92]).hexdigest()
    hashed = line[:-92] + b',"hash":"' + digest.encode() + b'"'
    require(line == hashed + b',"crc":"%08x"}' % crc32(hashed), f"record {seq}")
    record: dict[str, Any] = json.loads(line)
    require([name for name in ORDER if name in record] == list(record), f"the fields of record {seq}")
    require(set(ORDER) - set(record) <= OPTIONAL and ("key" in record) == ("fingerprint" in record), f"record {seq}")
    require(record["seq"] == seq and TIME.fullmatch(record["time"]), f"record {seq}")
    require(not before or record["time"] > before[-1]["time"], f"the time of record {seq}")
    version = sum(1 for one in before if one["stream"] == record["stream"]) + 1
    require(record["version"] == version and record["schema"] >= 1, f"the version of record {seq}")
    require(1 <= record["flush"] <= seq and 0 < record.get("causation", 1) < max(seq, 2), f"record {seq}")
    return record


def _commits(records: list[dict[str, Any]]) -> None:
    for record in records:
        index, count = record.get("commit", (1, 1))
        begin = record["seq"] - index
        members = records[begin : begin + count]
        require(len(members) == count, "a commit is not whole")
        require({one["flush"] for one in members} == {record["flush"]}, "a commit in several flushes")
        require(index == 1 or "key" not in record, "a key inside a commit")


def _mark(content: bytes, records: list[dict[str, Any]], ends: dict[int, tuple[int, int]]) -> None:
    found = []
    for at in range(0, len(content), 64):
        slot = content[at : at + 64]
        seq, segment, offset, digest, flags, crc = unpack_from("<QQQ32sII", slot)
        require(crc == crc32(slot[:60]), "a slot")
        require(ends[seq] == (segment, offset) and records[seq - 1]["hash"] == digest.hex(), "a slot")
        found.append((flags >> 1, seq, flags & 1))
    require(max(found)[1:] == (len(records), 0), "the mark")


def _manifest_line(line: dict[str, Any], files: dict[str, bytes], records: list[dict[str, Any]]) -> dict[str, Any]:
    content, seal = files[f"segments/{line['first']:020d}.jsonl"], records[line["last"] - 1]
    require(seal["type"] == "segment.sealed" and not content.endswith(b"\n\n"), "a seal")
    require(seal["data"]["first"] == line["first"], "a seal")
    require(seal["data"]["events"] == line["last"] - line["first"], "a seal")
    said = {
        "first": line["first"],
        "last": line["last"],
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "crc": f"{crc32(content):08x}",
        "head": seal["hash"],
        "state": seal["data"]["state"],
    }
    require(line == said, "a line of the manifest")
    return line


def _offsets(name: str, content: bytes, records: list[dict[str, Any]], ends: dict[int, tuple[int, int]]) -> None:
    magic, first, count, crc = unpack_from("<8sQQI", content)
    body = content[28:]
    require(magic == b"GHIDX01\n" and crc == crc32(body) and first == int(name[9:29]), name)
    last = first + count - 1
    offsets = [one["offset"] for one in records[first - 1 : last]] + [ends[last][1]]
    require(list(unpack_from(f"<{count + 1}I", body)) == offsets and len(body) == 4 * (count + 1), name)


def _keys(name: str, content: bytes, records: list[dict[str, Any]]) -> None:
    header = "<8sQQQQIII4s"
    magic, first, last, key_count, stream_count, key_bits, stream_bits, crc, zeros = unpack_from(header, content)
    at = calcsize(header)
    require(magic == b"GHKEY01\n" and crc == crc32(content[at:]) and zeros == bytes(4), name)
    require(name[9:].removesuffix(".keys") == f"{first:020d}-{last:020d}", name)
    key_posts, stream_posts = 2**key_bits + 1, 2**stream_bits + 1
    require(4 * (key_posts + stream_posts) <= len(content), name)
    posts = unpack_from(f"<{key_posts + stream_posts}I", content, at)
    at += 4 * len(posts)
    span = records[first - 1 : last]
    keys = sorted((_hash(one["key"], 8)[0], one["seq"]) for one in span if "key" in one)
    versions = {one["stream"]: one["version"] for one in span}
    streams = sorted((*_hash(stream, 16), version) for stream, version in versions.items())
    numbers = [number for row in [*keys, *streams] for number in row]
    require((len(keys), len(streams)) == (key_count, stream_count), name)
    require(content[at:] == b"".join(number.to_bytes(8, "big") for number in numbers), name)
    _fence(posts[:key_posts], [row[0] for row in keys], key_bits, name)
    _fence(posts[key_posts:], [row[0] for row in streams], stream_bits, name)


def _hash(text: str, size: int) -> tuple[int, ...]:
    digest = blake2b(text.encode(), digest_size=size).digest()
    return tuple(int.from_bytes(digest[at : at + 8], "big") for at in range(0, size, 8))


def _fence(posts: tuple[int, ...], hashes: list[int], bits: int, name: str) -> None:
    below = [sum(1 for one in hashes if one >> (64 - bits) < post) for post in range(2**bits + 1)]
    require(list(posts) == below, f"a fence of {name}")


def _snapshot(name: str, content: bytes, facts: dict[str, Any], records: list[dict[str, Any]]) -> None:
    header, *_rows, end = list(_json_lines(content))
    seal = records[header["seq"] - 1]
    body = content[: content.rstrip(b"\n").rindex(b"\n") + 1]
    require(name == f"snapshots/{header['seq']:020d}.json" and seal["type"] == "segment.sealed", name)
    require(header["format"] == "gatehouse-snapshot-1" and header["journal"] == facts["journal_id"], name)
    require(header["hash"] == seal["hash"] and isinstance(header["state"], int), name)
    require(content == body + b'{"end":%d,"sha256":"%s"}\n' % (end["end"], sha256(body).hexdigest().encode()), name)
    require(end["end"] == header["seq"], name)
