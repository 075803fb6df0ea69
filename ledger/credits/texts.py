"""Checks of names, texts, counts and choices that commands share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ledger.credits.amounts import PPM
from ledger.credits.errors import (
    InvalidChoice,
    InvalidCount,
    InvalidIdentifier,
    InvalidShare,
    InvalidText,
    ReasonTooShort,
)
from ledger.credits.policy import REASON_LENGTH_MIN
from ledger.engine.messages import gettext_noop

IDENTIFIER_BYTES_MAX = 128
TEXT_LENGTH_MAX = 2000


def require_identifier(value: object, *, field: str) -> None:
    """Refuse names that are empty, over 128 bytes, not printable, padded with spaces or not in normal form (NFC).

    Two spellings of the same letters would otherwise be two agents that nobody can tell apart.
    """
    if not isinstance(value, str) or not value:
        raise InvalidIdentifier(field=field, why=gettext_noop("it is empty or no text"))
    if not value.isprintable() or value != value.strip():
        raise InvalidIdentifier(field=field, why=gettext_noop("it contains characters that cannot be seen"))
    if len(value.encode()) > IDENTIFIER_BYTES_MAX:
        raise InvalidIdentifier(field=field, why=gettext_noop("it is longer than 128 bytes"))
    if not unicodedata.is_normalized("NFC", value):
        raise InvalidIdentifier(field=field, why=gettext_noop("it is not in Unicode normal form C"))


def require_text(value: object, *, field: str) -> None:
    """Refuse texts that are blank, over 2000 characters, or hold what a record cannot (NUL, half characters)."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidText(field=field, why=gettext_noop("it is missing"))
    if len(value) > TEXT_LENGTH_MAX:
        raise InvalidText(field=field, why=gettext_noop("it is longer than 2000 characters"))
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidText(field=field, why=gettext_noop("it contains characters that cannot be stored"))


def require_reason(value: object, *, field: str) -> None:
    """Refuse a text that says too little where a reason of ten characters is asked for."""
    require_text(value, field=field)
    length = len(str(value).strip())
    if length < REASON_LENGTH_MIN:
        raise ReasonTooShort(field=field, least=REASON_LENGTH_MIN, length=length)


def require_ppm(value: object, *, field: str) -> None:
    """Refuse everything that is no integer of millionths between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= PPM:
        raise InvalidShare(field=field)


def require_count(value: object, *, field: str, low: int, high: int) -> None:
    """Refuse everything that is no integer from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidCount(field=field, low=low, high=high)


def require_flag(value: object, *, field: str) -> None:
    """Refuse everything that is neither True nor False: a text such as "no" would count as yes."""
    if not isinstance(value, bool):
        raise InvalidChoice(field=field, choices="True, False")


def require_choice(value: object, *, field: str, choices: Iterable[str]) -> None:
    """Refuse everything that is none of the choices."""
    offered = tuple(choices)
    if not isinstance(value, str) or value not in offered:
        raise InvalidChoice(field=field, choices=", ".join(offered))
