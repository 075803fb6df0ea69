"""The short form of the suite with real processes: the same assertions, fewer kills."""

from pathlib import Path

import pytest

from ledger.torture.kills import kill_everywhere


@pytest.mark.timeout(200)
def test_killing_writers_again_and_again_loses_doubles_and_disorders_nothing(home: Path) -> None:
    """Three processes of two threads, killed ten times, over several rotations: every answer holds."""
    outcome = kill_everywhere(home=home, seed=2, kills=10, operations=900, writers=3, segment_bytes=16_384)

    assert outcome.findings == []
    assert outcome.counts["kills"] == 10
    assert outcome.counts["segments sealed"] > 10
    assert outcome.counts["refused by a rule"] > 10
    assert outcome.tried >= 900
