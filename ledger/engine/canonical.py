"""Canonical JSON: the one sequence of bytes for a value, for fingerprints, manifests and state digests.

Sorted keys, separators ``,`` and ``:``, UTF-8 unescaped, NFC, integers below 2**53, decimals as strings, no newline.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from ledger.engine.errors import IntegerTooLarge, NotCanonical, SurrogateRefused

INTEGER_LIMIT = 2**53


def canonical_bytes(value: object) -> bytes:
    """The canonical bytes of ``value`` (mappings with text keys, sequences, texts, integers, Decimals, bools, None).

    Raises NotCanonical (a TypeError) for floats and other types, IntegerTooLarge, SurrogateRefused.
    """
    plain = _plain(value, "$")
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise SurrogateRefused from error


def digest_of(value: object) -> str:
    """SHA-256 of the canonical bytes, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def _plain(value: object, where: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, where)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int | Decimal):
        return _plain_number(value, where)
    if isinstance(value, Mapping):
        return _plain_mapping(value, where)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    raise NotCanonical(kind=type(value).__name__, where=where)


def _plain_number(value: int | Decimal, where: str) -> int | str:
    if isinstance(value, Decimal):
        return _decimal_text(value, where)
    if not -INTEGER_LIMIT < value < INTEGER_LIMIT:
        raise IntegerTooLarge(value=value)
    return value


def _plain_mapping(value: Mapping[object, object], where: str) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise NotCanonical(kind=type(name).__name__, where=f"{where} (a key)")
        normal = unicodedata.normalize("NFC", name)
        if normal in plain:
            raise NotCanonical(kind="repeated key", where=f"{where}.{normal}")
        plain[normal] = _plain(item, f"{where}.{normal}")
    return plain


def _decimal_text(value: Decimal, where: str) -> str:
    """1.50 and 1.5 are one number and get one text; exponents never appear."""
    if not value.is_finite():
        raise NotCanonical(kind="Decimal (not finite)", where=where)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
