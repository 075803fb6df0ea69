"""What a verification reads: both steps to their ends, and every way in which a journal can be wrong is a problem."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from ledger.actions import close_live_ledger
from ledger.doctor.kinds import HAPPENED, DamageKind
from ledger.engine.limits import CHUNK_BYTES
from ledger.engine.mark import SLOT_BYTES
from ledger.tests.credits.planting import sound_journal, write_from_the_future
from ledger.tests.verifying.conftest import AGENTS, damage
from ledger.verifying.reading import STEPS, Outcome, examine

AT = "2026-11-21T12:00:00+00:00"


def read(path: Path) -> Outcome:
    """Without looking at the progress."""
    return examine(path, began_at=AT, progress=lambda *_: None)


def test_a_sound_journal_is_said_with_its_head_and_every_invariant(journal: Path) -> None:
    """The engine's own first record is no event of the ledger."""
    outcome = read(journal)

    assert outcome.is_sound
    assert (outcome.happened, outcome.safe) == ((), outcome.head_seq)
    assert (outcome.events, outcome.began_at) == (2 * AGENTS, AT)
    assert outcome.head_seq == outcome.events + 1
    assert len(outcome.lines) == 17
    assert Outcome.of_json(orjson.loads(orjson.dumps(outcome.as_json()))) == outcome


def test_progress_is_told_in_both_steps_and_reaches_their_ends(tmp_path: Path) -> None:
    """It never goes back, and a journal of several segments is read to the last byte."""
    told: list[tuple[int, int, int]] = []

    examine(
        sound_journal(tmp_path / "journal"), began_at=AT, progress=lambda step, done, of: told.append((step, done, of))
    )

    assert all(before <= after for before, after in pairwise(told))
    for step in range(1, STEPS + 1):
        parts = [(done, total) for number, done, total in told if number == step]
        assert len(parts) > 2
        assert parts[-1][0] == parts[-1][1] > CHUNK_BYTES // 100


def _gone(journal: Path) -> None:
    journal.rename(journal.with_name("elsewhere"))


def _without_facts(journal: Path) -> None:
    (journal / "journal.json").unlink()


def _without_segments(journal: Path) -> None:
    for segment in (journal / "segments").iterdir():
        segment.unlink()


def _noise(journal: Path) -> None:
    next((journal / "segments").glob("*.jsonl")).write_bytes(b"\x00\xffnoise" * 1000)


def _directory(journal: Path) -> None:
    segment = next((journal / "segments").glob("*.jsonl"))
    segment.unlink()
    segment.mkdir()


@pytest.mark.parametrize(
    "plant", [damage, _gone, _without_facts, _without_segments, _noise, _directory, write_from_the_future]
)
def test_whatever_is_wrong_with_a_journal_is_a_problem_and_no_error(
    journal: Path, plant: Callable[[Path], None]
) -> None:
    """A journal that cannot be read is not sound, and the page can say so."""
    close_live_ledger()
    plant(journal)

    outcome = read(journal)

    assert not outcome.is_sound
    assert all(problem["template"] for problem in outcome.problems)
    assert Outcome.of_json(orjson.loads(orjson.dumps(outcome.as_json()))) == outcome


def test_damage_is_said_as_the_doctor_says_it(journal: Path) -> None:
    """What happened, up to where all is safe, and each repair with what it loses."""
    close_live_ledger()
    damage(journal)

    outcome = read(journal)

    (happened,) = outcome.happened
    assert happened["template"] == HAPPENED[DamageKind.CORRUPT]
    assert happened["params"]["line"] == 3
    assert happened["params"]["expected"]["template"] == "a record that ends in %(tail)s"
    assert outcome.safe == 1  # the second and the third event stand or fall together
    assert [one["kind"] for one in outcome.possible] == ["restore-byte", "go-back"]
    assert outcome.possible[1]["loses"]["params"] | {"first": 2, "last": 7} == outcome.possible[1]["loses"]["params"]


def test_what_a_sound_journal_can_do_without_is_said_beside(journal: Path) -> None:
    """One of the two slots of the mark: it stays sound, and somebody should look."""
    close_live_ledger()
    with (journal / "durable").open("r+b") as file:
        file.write(bytes(SLOT_BYTES))

    outcome = read(journal)

    assert outcome.is_sound
    assert [one["template"] for one in outcome.happened] == [HAPPENED[DamageKind.MARK_SLOT]]
    assert [one["kind"] for one in outcome.possible] == ["rebuild-mark"]
