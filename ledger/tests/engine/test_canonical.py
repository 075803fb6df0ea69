"""Canonical bytes: one value, one sequence of bytes, for ever."""

from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest

from ledger.engine.canonical import canonical_bytes, digest_of
from ledger.engine.errors import IntegerTooLarge, LedgerError, NotCanonical, SurrogateRefused


class Word(StrEnum):
    GO = "GO"


class Step(IntEnum):
    TWO = 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        ({"ä": "a\u0308", "z": '"\\\n'}, '{"z":"\\"\\\\\\n","ä":"ä"}'.encode()),
        ((1, (2, [3])), b"[1,[2,[3]]]"),
        ([Decimal("1.50"), Decimal("1E+3"), Decimal("-0.0"), Decimal("0.000001")], b'["1.5","1000","0","0.000001"]'),
        ([Word.GO, Step.TWO], b'["GO",2]'),
        (2**53 - 1, b"9007199254740991"),
    ],
)
def test_a_value_has_exactly_these_bytes(value: object, expected: bytes) -> None:
    """Sorted keys, no blanks, UTF-8 unescaped and composed, decimals as plain strings, no newline at the end."""
    assert canonical_bytes(value) == expected


def test_the_digest_is_the_sha256_of_the_bytes() -> None:
    """Pinned, because it stands in manifests and certificates."""
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, NotCanonical),
        ({"a": [float("nan")]}, NotCanonical),
        (b"bytes", NotCanonical),
        ({1: 1}, NotCanonical),
        ({"\u00e4": 1, "a\u0308": 2}, NotCanonical),
        (Decimal("NaN"), NotCanonical),
        (2**53, IntegerTooLarge),
        ("\ud800", SurrogateRefused),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object, error: type[LedgerError]) -> None:
    """Floats, foreign types, two keys that become one, numbers that others would round, half characters."""
    with pytest.raises(error):
        canonical_bytes(value)


def test_the_refusal_of_a_type_is_a_type_error_and_names_the_place() -> None:
    """So that callers who know nothing of the ledger understand it."""
    with pytest.raises(TypeError, match=r"float at \$\.a\[1\]"):
        canonical_bytes({"a": [1, 1.5]})
