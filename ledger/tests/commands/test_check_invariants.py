"""`manage.py check_invariants`: the same lines and exit codes as the program without Django."""

from __future__ import annotations

from pathlib import Path

from django.utils import translation

from ledger.actions import close_live_ledger
from ledger.credits.invariant_lines import QUESTIONS
from ledger.tests.commands.calling import call
from ledger.tests.credits import planting
from ledger.tests.credits.planting import LEGACY


def test_the_live_journal_is_checked_by_default(live: Path) -> None:
    """One line per invariant, exit 0."""
    done = call("check_invariants")

    assert done.code == 0
    assert done.out.startswith(f"{live}: journal, 4 events\n")
    assert sum(line.startswith("holds") for line in done.out.splitlines()) == len(QUESTIONS)


def test_a_broken_invariant_is_exit_1_with_its_place(live: Path) -> None:
    """The line says BROKEN, the place stands beneath it."""
    close_live_ledger()
    segment = planting.segments_of(live)[0]
    planting.plant(segment, lambda lines: lines.__setitem__(3, lines[3].replace(b"5000000,", b"6000000,")))

    done = call("check_invariants", live)

    assert done.code == 1
    assert "BROKEN  balance" in done.out
    assert f"          {segment.name} line 4: agent:ann" in done.out


def test_a_legacy_journal_is_checked_as_one() -> None:
    """By its sums, times and keys."""
    done = call("check_invariants", LEGACY / "mixed-3000.jsonl")

    assert done.code == 0
    assert "legacy, 3,000 events" in done.out


def test_what_cannot_be_read_is_exit_4(storage: Path) -> None:
    """There is no live journal yet."""
    done = call("check_invariants")

    assert done.code == 4
    assert str(storage) in done.err


def test_the_questions_are_asked_in_the_language_of_the_reader(live: Path) -> None:
    """Every question can be translated; the words of the answer stay, for scripts."""
    with translation.override("de"):
        done = call("check_invariants")

    assert done.code == 0
    assert sum(line.startswith("holds") for line in done.out.splitlines()) == len(QUESTIONS)
