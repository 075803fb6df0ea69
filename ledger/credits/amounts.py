"""Money: integers of micro-credits inside, decimals for people, nothing binary in between."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from ledger.credits.errors import AmountTooLarge, InvalidAmount
from ledger.engine.messages import gettext_noop

MICROS_PER_CREDIT = 1_000_000
PPM = 1_000_000
# Canonical JSON is exact below 2^53 (RFC 8785), totals are kept in 63 bits (decisions.md, Names that stay for ever).
AMOUNT_MICROS_MAX = 2**53 - 1
TOTAL_MICROS_MAX = 2**63 - 1

_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,6})?", re.ASCII)
_DECIMAL_SHAPE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


def micros_of(amount: str | int | Decimal, *, is_zero_allowed: bool = False) -> int:
    """Micro-credits of an amount of credits as people write it ("12.5", 12, Decimal("12.5")).

    Refuses (InvalidAmount, AmountTooLarge) zero unless allowed, negative amounts, NaN, infinity, more than six
    decimals, binary floats and anything that is no plain decimal number. Source: decisions.md, Credits.
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise InvalidAmount(
            amount=shown(amount), why=gettext_noop("write it as text, such as “12.5”, or as a whole number")
        )
    if isinstance(amount, int) and abs(amount) > AMOUNT_MICROS_MAX:
        raise AmountTooLarge(amount=shown(amount), limit=decimal_of(AMOUNT_MICROS_MAX))
    text = format(amount, "f") if isinstance(amount, Decimal) and -40 < amount.adjusted() < 40 else str(amount)
    if not _PLAIN.fullmatch(text):
        raise InvalidAmount(amount=shown(text), why=_why_not(text))
    micros = int(Decimal(text).scaleb(6))
    if micros < 0 or (micros == 0 and not is_zero_allowed):
        raise InvalidAmount(amount=shown(text), why=gettext_noop("it must be above zero"))
    if micros > AMOUNT_MICROS_MAX:
        raise AmountTooLarge(amount=shown(text), limit=decimal_of(AMOUNT_MICROS_MAX))
    return micros


def decimal_of(micros: int) -> Decimal:
    """The amount in credits, exact, always with six decimals."""
    return Decimal(micros).scaleb(-6)


def require_amount(micros: object) -> None:
    """Refuse everything that is no positive integer of micro-credits a command may carry."""
    if isinstance(micros, bool) or not isinstance(micros, int):
        raise InvalidAmount(amount=shown(micros), why=gettext_noop("amounts are whole numbers of micro-credits"))
    if micros <= 0:
        raise InvalidAmount(amount=_shown_credits(micros), why=gettext_noop("it must be above zero"))
    if micros > AMOUNT_MICROS_MAX:
        raise AmountTooLarge(amount=_shown_credits(micros), limit=decimal_of(AMOUNT_MICROS_MAX))


def shown(value: object) -> str:
    """At most 40 characters of what was given, as JSON writes it: a message must not carry a megabyte of digits."""
    if isinstance(value, int) and abs(value) >= 10**39:
        return "10^39 …"
    is_json = value is None or isinstance(value, bool | list | dict)
    text = json.dumps(value, ensure_ascii=False, default=str) if is_json else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _why_not(text: str) -> str:
    if text.strip("+-").lower() in {"nan", "snan", "inf", "infinity"}:
        return gettext_noop("it is not a finite number")
    if "." in text and _DECIMAL_SHAPE.fullmatch(text):
        return gettext_noop("at most six decimals are allowed")
    return gettext_noop("it is not a plain decimal number")


def _shown_credits(micros: int) -> str:
    """Of an amount in micro-credits; without its decimals where it is past every account."""
    return shown(decimal_of(micros) if abs(micros) <= TOTAL_MICROS_MAX else micros // MICROS_PER_CREDIT)
