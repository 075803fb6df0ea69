"""Strict JSON: whatever two readers could understand differently is refused, with what and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.kernel.api.parsing import DEPTH_MAX, INTEGER_MAX, strict_json
from console.kernel.api.problems import Problem

HOSTILE = {
    "empty": (b"", "line 1"),
    "cut": (b'{"a": 1', "line 1"),
    "array": (b"[]", "not an object"),
    "text": (b'"a"', "not an object"),
    "number": (b"1", "not an object"),
    "null": (b"null", "not an object"),
    "twice": (b'{"a": {"b": 1, "b": 1}}', "twice"),
    "twice by escape": (b'{"a": 1, "\\u0061": 2}', "twice"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": [-Infinity]}', "-Infinity"),
    "overflow": (b'{"a": 1e999}', "1e999"),
    "huge integer": (b'{"a": ' + str(2**63).encode() + b"}", "cannot be kept"),
    "endless integer": (b'{"a": ' + b"9" * 5000 + b"}", "cannot be kept"),
    "deep": (b'{"a": ' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}", "levels deep"),
    "bottomless": (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "levels deep"),
    "invalid UTF-8": (b'{"a": "\xff"}', "byte 7"),
    "overlong UTF-8": (b'{"a": "\xc0\xaf"}', "byte 7"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "byte 0"),
    "byte order mark": (b"\xef\xbb\xbf{}", "line 1"),
    "lone surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "lone surrogate as name": (b'{"\\udfff": 1}', "surrogate"),
    "comment": (b'{"a": 1} // no', "line 1"),
    "single quotes": (b"{'a': 1}", "line 1"),
    "trailing comma": (b'{"a": 1,}', "line 1"),
    "second document": (b"{}{}", "line 1"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_json_in_doubt_is_refused(name: str) -> None:
    """Quickly, and saying what is wrong."""
    body, what = HOSTILE[name]

    with pytest.raises(Problem) as refusal:
        strict_json(body)

    assert (refusal.value.code, refusal.value.status) == ("malformed-json", 400)
    assert what in refusal.value.detail


@pytest.mark.parametrize(
    ("body", "pointer"), [(b'{"a": [0, {"b/c": NaN}]}', "/a/1/b~1c"), (b'{"x": {"y": 1, "y": 2}}', "/x/y")]
)
def test_the_refusal_says_where(body: bytes, pointer: str) -> None:
    """By JSON Pointer."""
    with pytest.raises(Problem) as refusal:
        strict_json(body)

    assert refusal.value.errors[0]["pointer"] == pointer


def test_what_is_clear_is_read() -> None:
    """Up to the limits."""
    deep = b'{"a": ' + b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1) + b"}"

    assert strict_json(b'{"a": [1, -2.5, "\xc3\xbc\\ud83d\\ude00", null, true], "": {}}') == {
        "a": [1, -2.5, "ü😀", None, True],
        "": {},
    }
    assert strict_json(b'{"a": ' + str(INTEGER_MAX).encode() + b"}") == {"a": INTEGER_MAX}
    assert "a" in strict_json(deep)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_end_in_anything_but_an_object_or_a_problem(body: bytes) -> None:
    """Never in a fault of the program."""
    try:
        assert isinstance(strict_json(body), dict)
    except Problem as refusal:
        assert refusal.code == "malformed-json"
