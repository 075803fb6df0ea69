"""FORMAT.md is true: a reader written from it alone decodes its example, and the engine writes exactly that."""

from __future__ import annotations

import re
from random import Random

import pytest

from ledger.engine import limits
from ledger.tests.engine.format_example import TEXT, as_text, files_by_engine, files_in_text
from ledger.tests.engine.second_reader import Wrong, read_journal


def test_the_engine_writes_the_example_byte_for_byte() -> None:
    """Every file but the empty lock; whoever changes the format sees here what the text would have to say."""
    written = files_by_engine()

    assert written.pop("lock") == b""
    assert files_in_text() == written, as_text(written)


def test_a_reader_written_from_the_text_decodes_the_example() -> None:
    """Seven events, with what they say."""
    records = read_journal(files_in_text())

    assert [one["type"].partition(".")[2] for one in records] == (
        ["opened", "consumed", "consumed", "detected", "sealed", "opened", "consumed"]
    )
    assert [one["data"].get("amount_micros") for one in records] == [None, 1_500_000, 700_000, None, None, None, 1]
    assert records[1]["data"]["note"] == "größer"


@pytest.mark.parametrize("name", sorted(files_in_text()))
def test_the_second_reader_finds_every_changed_byte(name: str) -> None:
    """In every file that the text shows: so what it accepts, the text explains."""
    chance = Random(name)
    shown = files_in_text()[name].rstrip(b"\n")
    unproven = shown.find(b'"created"') if name == "journal.json" else len(shown)
    for at in range(unproven):  # nothing repeats when a journal was made, and how large its segments are
        files = files_in_text()
        content = bytearray(files[name])
        content[at] ^= 1 << chance.randrange(7)
        files[name] = bytes(content)

        with pytest.raises((Wrong, ValueError, KeyError, IndexError, TypeError, OverflowError)):
            read_journal(files)


def test_every_limit_stands_in_the_text_with_its_value() -> None:
    """And no other."""
    table = TEXT[TEXT.index("## 7. Limits") : TEXT.index("## 8.")]
    said = {name: int(value) for name, value in re.findall(r"^\| ([A-Z_]+) \| (\d+) \|$", table, re.MULTILINE)}
    real = {name: value for name, value in vars(limits).items() if name.isupper() and name not in ("MIB", "GIB")}

    assert said == real
