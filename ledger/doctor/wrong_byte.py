"""One byte of a record that changed by itself is found again: its CRC says where it is, its hash proves it.

CRC-32 is linear: an error in one byte changes it by something that depends on that error and its distance to the end
only. Taking one step back for each byte shows at every place which error there would explain the difference.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from zlib import crc32

from ledger.engine.codec import CRC_BYTES, TAIL_BYTES

_POLYNOMIAL = 0xEDB88320


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        row = byte
        for _ in range(8):
            row = row >> 1 ^ (_POLYNOMIAL if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_TABLE = _table()
_ERROR_OF = {row: byte for byte, row in enumerate(_TABLE)}
_INDEX_OF_TOP = {row >> 24: byte for byte, row in enumerate(_TABLE)}


class WrongByte(NamedTuple):
    """The byte at ``offset`` of the segment is ``found`` and was ``written``."""

    offset: int
    found: int
    written: int


def find_wrong_byte(content: bytes, *, offset: int, seq: int, digest: bytes) -> WrongByte | None:
    """The one byte from ``offset`` on by which record ``seq`` is not what was written; None if it is not one.

    ``content`` is the segment, ``digest`` the raw hash of the record before. Whoever sets the byte has the record back:
    its hash, chained to that record, would not fit any other.
    """
    end = offset - 1
    for _ in range(2):  # the wrong byte may be a newline in the middle of the record
        end = content.find(b"\n", end + 1)
        line = content[offset : end if end >= 0 else len(content)]
        for at, written in _candidates(line, seq, digest):
            mended = line[:at] + bytes([written]) + line[at + 1 :]
            if _is_whole(mended.partition(b"\n")[0], digest):
                return WrongByte(offset + at, line[at], written)
    return None


def _candidates(line: bytes, seq: int, digest: bytes) -> list[tuple[int, int]]:
    """(place in the line, byte) that are worth a try."""
    found = _by_end(line, seq) + _in_tail(line, digest)
    if len(line) > TAIL_BYTES:
        found += _by_crc(line)
    return found


def _by_end(line: bytes, seq: int) -> list[tuple[int, int]]:
    """The newline itself: the next record goes on in the same line."""
    at = line.find(b'{"seq":%d,' % (seq + 1), 1)
    return [(at - 1, 10)] if at > 0 else []


def _in_tail(line: bytes, digest: bytes) -> list[tuple[int, int]]:
    """In the hash or the crc, when everything before them is whole."""
    tail = _tail_of(line, digest)
    start = len(line) - len(tail)
    wrong = [(start + at, byte) for at, byte in enumerate(tail) if start >= 0 and line[start + at] != byte]
    return wrong if len(wrong) == 1 else []


def _by_crc(line: bytes) -> list[tuple[int, int]]:
    body, tail = line[:-CRC_BYTES], line[-CRC_BYTES:]
    try:
        difference = crc32(body) ^ int(tail[8:16], 16)
    except ValueError:
        return []
    found = []
    for at in range(len(body) - 1, -1, -1):
        if error := _ERROR_OF.get(difference, 0):
            found.append((at, body[at] ^ error))
        index = _INDEX_OF_TOP[difference >> 24]
        difference = (difference ^ _TABLE[index]) << 8 & 0xFFFFFFFF | index
    return found


def _tail_of(line: bytes, digest: bytes) -> bytes:
    text = hashlib.sha256(digest + line[:-TAIL_BYTES]).hexdigest().encode()
    hashed = b'%b,"hash":"%b"' % (line[:-TAIL_BYTES], text)
    return b',"hash":"%b","crc":"%08x"}' % (text, crc32(hashed))


def _is_whole(line: bytes, digest: bytes) -> bool:
    return line[-TAIL_BYTES:] == _tail_of(line, digest)
