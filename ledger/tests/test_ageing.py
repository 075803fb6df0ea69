"""A segment that was opened a day ago is sealed behind the next order; a younger one, and an idle one, are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.tests.waiting import wait_until
from ledger.ageing import SealingByAge, seal_if_old
from ledger.engine import Journal
from ledger.engine.env import OsEnv
from ledger.tests.engine.counting import opened, record


class Yesterday(OsEnv):
    """The real effects, 25 hours ago."""

    def wall_micros(self) -> int:
        """Of the wall clock."""
        return super().wall_micros() - 25 * 3_600_000_000


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A journal whose only segment was opened yesterday."""
    journal = opened(tmp_path / "credits", env=Yesterday())
    record(journal, "yesterday")
    journal.close()
    return tmp_path / "credits"


def segment_count(journal: Journal) -> int:
    """With the active one."""
    return journal.status.segments


def test_a_segment_of_yesterday_is_sealed_once(old: Path) -> None:
    """Then the next one is active, and young."""
    journal = opened(old)
    now = datetime.now(tz=UTC)

    assert seal_if_old(journal, path=old, now=now)
    assert not seal_if_old(journal, path=old, now=now)

    assert segment_count(journal) == 2
    journal.close()


def test_a_segment_is_left_open_until_the_day_is_over(tmp_path: Path) -> None:
    """Not a minute before 24 hours, and from then on."""
    journal = opened(tmp_path / "credits")
    record(journal, "today")
    begun = datetime.fromisoformat(journal.get(seq=1).time)

    assert not seal_if_old(journal, path=tmp_path / "credits", now=begun + timedelta(hours=23, minutes=59))
    assert seal_if_old(journal, path=tmp_path / "credits", now=begun + timedelta(hours=24))
    journal.close()


def test_whoever_writes_has_it_looked_at_beside(old: Path) -> None:
    """One order is enough; the next ones are not slowed by looking again."""
    journal, sealing = opened(old), SealingByAge()
    record(journal, "today")

    sealing.look(journal, path=old)
    wait_until(lambda: segment_count(journal) == 2, timeout_seconds=30, what="the seal")
    sealing.look(journal, path=old)

    assert segment_count(journal) == 2
    journal.close()


def test_trouble_is_nobodys_who_wrote(old: Path) -> None:
    """A journal that was closed meanwhile, or is gone, breaks nothing."""
    journal = opened(old)
    journal.close()
    sealing = SealingByAge()

    sealing.look(journal, path=old)

    wait_until(lambda: not sealing._turn.locked(), timeout_seconds=30, what="the end of the look")
