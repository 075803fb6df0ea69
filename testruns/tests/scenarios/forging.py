"""Ledgers that leave a forged record: whoever reads their journal finds the last record changed, and chained again.

As in `faults`, each opener takes what the product's takes, and nothing of them is in the product.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from ledger import Ledger
from testruns.scenarios.stage.opening import open_ledger
from testruns.scenarios.stage.reading import segments_of

Fields = dict[str, Any]


def line_of(fields: Fields, previous: bytes) -> bytes:
    """A record as the published format has it, chained to the hash before."""
    body = orjson.dumps(fields)[:-1]
    digest = hashlib.sha256(previous + body).hexdigest()
    hashed = body + f',"hash":"{digest}"'.encode()
    return hashed + f',"crc":"{zlib.crc32(hashed):08x}"'.encode() + b"}"


def _forge_last(journal: Path, change: Callable[[Fields, Fields], None]) -> None:
    """Change the last record with sight of the one before, hash and checksum with it; the mark is gone."""
    segment = segments_of(journal)[-1]
    content = segment.read_bytes()
    lines = content.rstrip(b"\n").split(b"\n")
    before, last = (orjson.loads(line) for line in lines[-2:])
    change(last, before)
    fields = {name: value for name, value in last.items() if name not in ("hash", "crc")}
    lines[-1] = line_of(fields, bytes.fromhex(before["hash"]))
    segment.write_bytes((b"\n".join(lines) + b"\n").ljust(len(content), b"\n"))
    (journal / "durable").unlink(missing_ok=True)


def _forger(change: Callable[[Fields, Fields], None]) -> Any:
    def open_forged(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
        if read_only:
            _forge_last(path, change)
        return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)

    return open_forged


forgets_the_schema = _forger(lambda last, _before: last.update(schema=0))
forgets_the_correlation = _forger(lambda last, _before: last.update(correlation=""))
names_a_later_cause = _forger(lambda last, _before: last.update(causation=last["seq"]))
forgets_the_cause = _forger(lambda last, _before: last.pop("causation", None))
repeats_a_key = _forger(lambda last, before: last.update(key=before["key"]))


def breaks_the_chain(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """One byte of the first command is another one afterwards."""
    if read_only:
        segment = segments_of(path)[0]
        content = bytearray(segment.read_bytes())
        content[content.index(b'"data":{', content.index(b"\n")) + 9] = ord("X")
        segment.write_bytes(content)
    return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)
