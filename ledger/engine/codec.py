"""A record and its bytes: one JSON line with fixed key order, ended by hash and crc at fixed length.

``hash`` = SHA-256(previous hash as 32 raw bytes + every byte before ``,"hash":``), ``crc`` = CRC-32 over every byte
before ``,"crc":``. Both are over raw bytes and compared as bytes, never over JSON that was read and written again.
"""

import hashlib
from typing import Any
from zlib import crc32

import orjson

from ledger.engine import limits
from ledger.engine.errors import (
    EventTooLarge,
    FloatRefused,
    IntegerTooLarge,
    LedgerError,
    NestingTooDeep,
    NulRefused,
    SurrogateRefused,
    TooManyKeys,
    ValueRefused,
)
from ledger.engine.event import Event

ZERO_DIGEST = bytes(32)
CRC_BYTES = len(b',"crc":"00000000"}')
TAIL_BYTES = len(b',"hash":""') + 64 + CRC_BYTES

_OPTIONS = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_INTEGER_MIN, _INTEGER_MAX = -limits.INTEGER_MAX, limits.INTEGER_MAX
_KEYS_MAX = limits.OBJECT_KEYS_MAX
_BODY_BYTES_MAX = limits.EVENT_BYTES_MAX - TAIL_BYTES - 1
_sha256 = hashlib.sha256
_dumps = orjson.dumps
_loads = orjson.loads
_new = tuple.__new__


def encode(fields: dict[str, Any], previous: bytes) -> tuple[bytes, str, bytes]:
    """The line (with newline) of a record whose fields stand in their fixed order, its hash, and the same raw.

    ``previous`` is the raw hash of the record before. Raises a LimitExceeded subclass.
    """
    check_values(fields["data"])
    try:
        body = _dumps(fields, None, _OPTIONS)[:-1]
    except TypeError as error:
        raise _reason_of(error) from error
    if len(body) > _BODY_BYTES_MAX:
        raise EventTooLarge(bytes=len(body) + TAIL_BYTES + 1, limit=limits.EVENT_BYTES_MAX)
    if b"\\" in body and b"\\u0000" in body:
        _check_nul(fields)
    digest = _sha256(previous + body).digest()
    text = digest.hex()
    line = body + b',"hash":"' + text.encode() + b'"'
    return line + b',"crc":"%08x"}\n' % crc32(line), text, digest


def event_of(record: dict[str, Any]) -> Event:
    """The event of a parsed line; KeyError or TypeError if a field is missing."""
    get = record.get
    commit = get("commit")
    return _new(  # the plain constructor costs twice as much, and this is the hot path
        Event,
        (
            record["seq"],
            record["time"],
            record["stream"],
            record["version"],
            record["type"],
            record["schema"],
            record["actor"],
            record["correlation"],
            get("causation"),
            get("key"),
            get("fingerprint"),
            record["flush"],
            None if commit is None else (commit[0], commit[1]),
            record["data"],
            record["hash"],
        ),
    )


def crc_of(line: bytes) -> bytes:
    """The end that a line (without newline) must have, computed from the rest of it."""
    return b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES])


def decode(line: bytes) -> Event | None:
    """The event of a line (without newline) that is whole by itself, or None. The chain is not looked at."""
    if line[-CRC_BYTES:] != crc_of(line):
        return None
    try:
        return event_of(_loads(line))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def check_values(values: dict[str, Any], depth: int = 1) -> None:
    """Refuse what JSON would change silently: floats, integers past 63 bits, types that are not JSON's own."""
    if len(values) > _KEYS_MAX:
        raise TooManyKeys(count=len(values), limit=_KEYS_MAX)
    for value in values.values():
        kind = value.__class__
        if kind is str:
            continue
        if kind is int:
            if not _INTEGER_MIN <= value <= _INTEGER_MAX:
                raise IntegerTooLarge(value=value)
        elif value is not None and kind is not bool:
            _check_nested(value, depth + 1)


def _check_nested(value: object, depth: int) -> None:
    if depth > limits.NESTING_MAX:
        raise NestingTooDeep(limit=limits.NESTING_MAX)
    if type(value) is dict:
        check_values(value, depth)
    elif type(value) is list:
        for item in value:
            check_values({"": item}, depth)
    elif isinstance(value, float):
        raise FloatRefused(value=repr(value))
    else:
        raise ValueRefused(kind=type(value).__name__)


def _check_nul(value: object) -> None:
    """Only after the bytes look suspicious: the same six characters may also come from an escaped backslash."""
    if isinstance(value, str):
        if "\0" in value:
            raise NulRefused
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_nul(name)
            _check_nul(item)
    elif isinstance(value, list):
        for item in value:
            _check_nul(item)


def _reason_of(error: TypeError) -> LedgerError:
    text = str(error)
    if "UTF-8" in text:
        return SurrogateRefused()
    return ValueRefused(kind=text)
