"""Reads a journal from its files, with nothing of the ledger: what the audit holds against the ledger's own answers.

The format is the published one: segments of JSON lines named by their first seq, newline padding, each record
chained by SHA-256 over the hash before it and its own bytes up to `,"hash":`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

_HASH_FIELD: Final = b',"hash":"'
_TAIL_LENGTH: Final = len(b',"hash":"' + b"0" * 64 + b'","crc":"' + b"0" * 8 + b'"}')
_NO_HASH: Final = bytes(32)
_READ_BYTES: Final = 1 << 20


class Head(NamedTuple):
    """The last record of a journal; (0, 64 zeros) of an empty one."""

    seq: int
    hash: str


class Record(NamedTuple):
    """One record: its fields as stored, and whether it continues the numbering and the hash chain."""

    fields: dict[str, Any]
    is_linked: bool

    @property
    def seq(self) -> int:
        """Its global number."""
        return int(self.fields["seq"])

    @property
    def type(self) -> str:
        """Its event type."""
        return str(self.fields["type"])

    @property
    def key(self) -> str | None:
        """The idempotency key, on the first event of a command."""
        return self.fields.get("key")

    @property
    def correlation(self) -> str:
        """What it belongs to; empty when it does not say."""
        return str(self.fields.get("correlation") or "")

    @property
    def data(self) -> dict[str, Any]:
        """What it says."""
        return dict(self.fields.get("data") or {})


def segments_of(journal: Path) -> list[Path]:
    """The segment files, oldest first."""
    return sorted((journal / "segments").glob("*.jsonl"))


def read_records(journal: Path) -> Iterator[Record]:
    """Every record in order, in constant memory. A line that is no JSON ends the reading as one unlinked record.

    Only a journal nobody writes to is read whole; a line cut at the very end counts as damage here, because every
    ledger that was opened after a crash has to have removed it.
    """
    expected_seq, previous = 1, _NO_HASH
    for segment in segments_of(journal):
        for line in _lines(segment):
            try:
                fields = orjson.loads(line)
            except orjson.JSONDecodeError:
                yield Record(fields={"seq": 0, "type": "", "data": {}}, is_linked=False)
                return
            digest = hashlib.sha256(previous + line[:-_TAIL_LENGTH]).digest()
            is_linked = (
                fields["seq"] == expected_seq
                and line[-_TAIL_LENGTH:].startswith(_HASH_FIELD)
                and fields["hash"] == digest.hex()
            )
            yield Record(fields=fields, is_linked=is_linked)
            expected_seq, previous = fields["seq"] + 1, bytes.fromhex(fields["hash"])


def read_head(journal: Path) -> Head:
    """The last record, found from the end of the newest segment that has one."""
    for segment in reversed(segments_of(journal)):
        last = None
        for line in _lines(segment):
            last = line
        if last is not None:
            fields = orjson.loads(last)
            return Head(seq=fields["seq"], hash=fields["hash"])
    return Head(seq=0, hash=_NO_HASH.hex())


def end_of_records(segment: Path) -> int:
    """The offset behind the last record of a segment, where its padding begins."""
    return len(segment.read_bytes().rstrip(b"\n")) + 1


def _lines(segment: Path) -> Iterator[bytes]:
    with segment.open("rb", buffering=_READ_BYTES) as file:
        for line in file:
            stripped = line.rstrip(b"\n")
            if stripped:
                yield stripped
