"""A segment that was opened a day ago is sealed though nobody writes; a younger or an empty one is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.ageing import LOOK_MICROS, SealingByAge
from ledger.engine import Journal
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.engine.times import micros_of
from ledger.tests.engine.counting import opened, record

HOUR_MICROS = 3_600_000_000


class Later(OsEnv):
    """The real effects, so many microseconds later."""

    later_micros = 0

    def wall_micros(self) -> int:
        """Of the wall clock."""
        return super().wall_micros() + self.later_micros

    def steady_micros(self) -> int:
        """Of the clock that never jumps."""
        return super().steady_micros() + self.later_micros


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """One that was just made."""
    found = opened(tmp_path / "credits")
    yield found
    found.close()


def sealing_of(journal: Journal, tmp_path: Path, env: OsEnv) -> SealingByAge:
    """What looks after it."""
    return SealingByAge(Layout(tmp_path / "credits"), seal=journal.seal, env=env)


def test_a_segment_of_yesterday_is_sealed_once_without_any_order(journal: Journal, tmp_path: Path) -> None:
    """Then the next one is active, and however old it grows, empty it stays open."""
    record(journal, "yesterday")
    later = Later()
    sealing = sealing_of(journal, tmp_path, later)

    looks = []
    for _ in range(4):
        later.later_micros += 12 * HOUR_MICROS
        looks.append(sealing.look())

    assert looks == [False, True, False, False]
    assert journal.status.segments == 2


def test_a_segment_is_left_open_until_the_day_is_over(journal: Journal, tmp_path: Path) -> None:
    """Not a second before 24 hours, and from then on."""
    record(journal, "today")
    later = Later()
    begun = micros_of(journal.get(seq=1).time)
    to_the_hour = begun - OsEnv().wall_micros()

    later.later_micros = to_the_hour + 24 * HOUR_MICROS - 60_000_000
    before = sealing_of(journal, tmp_path, later).look()
    later.later_micros = to_the_hour + 24 * HOUR_MICROS
    after = sealing_of(journal, tmp_path, later).look()

    assert (before, after) == (False, True)


def test_it_looks_every_ten_minutes_and_again_after_trouble(journal: Journal, tmp_path: Path) -> None:
    """What refuses to be sealed is not read anew every second; the look after that succeeds."""
    record(journal, "yesterday")
    later = Later()
    later.later_micros = 25 * HOUR_MICROS
    is_refused = True

    def seal() -> None:
        if is_refused:
            raise OSError("no")
        journal.seal()

    sealing = SealingByAge(Layout(tmp_path / "credits"), seal=seal, env=later)
    with pytest.raises(OSError, match="no"):
        sealing.look()
    is_refused = False
    at_once = sealing.look()
    later.later_micros += LOOK_MICROS

    assert not at_once
    assert sealing.look()


def test_what_nothing_proves_is_left_to_the_doctor(journal: Journal, tmp_path: Path) -> None:
    """Without a durable mark, and with a first record that is damaged."""
    record(journal, "yesterday")
    later = Later()
    later.later_micros = 25 * HOUR_MICROS
    segment = next((tmp_path / "credits" / "segments").glob("*.jsonl"))
    content = segment.read_bytes()

    segment.write_bytes(b"[" + content[1:])
    is_damaged_sealed = sealing_of(journal, tmp_path, later).look()
    segment.write_bytes(content)
    (tmp_path / "credits" / "durable").write_bytes(bytes(128))
    is_unproven_sealed = sealing_of(journal, tmp_path, later).look()

    assert (is_damaged_sealed, is_unproven_sealed) == (False, False)
