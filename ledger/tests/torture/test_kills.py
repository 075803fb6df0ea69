"""The short form of the suite with real processes: the same assertions, fewer kills."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.torture.kills import _until_known, kill_everywhere
from ledger.torture.writer import Balances


@pytest.mark.timeout(200)
def test_killing_writers_again_and_again_loses_doubles_and_disorders_nothing(home: Path) -> None:
    """Three processes of two threads, killed ten times, over several rotations: every answer holds."""
    outcome = kill_everywhere(home=home, seed=2, kills=10, operations=900, writers=3, segment_bytes=16_384)

    assert outcome.findings == []
    assert outcome.counts["kills"] == 10
    assert outcome.counts["segments sealed"] > 10
    assert outcome.counts["refused by a rule"] > 10
    assert outcome.tried >= 900


def test_a_writer_to_whom_nobody_listens_ends_without_a_word(home: Path) -> None:
    """Where the one that started it is gone, nothing of it stays, neither a process nor an error on the terminal."""
    Journal.open(path=home, state=Balances(), segment_bytes=65_536).close()
    arguments = [str(home), "w0", "0", "0,0", "65536"]
    with subprocess.Popen(
        [sys.executable, "-m", "ledger.torture.writer", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None

        assert writer.stdout.readline().startswith((b"recorded", b"refused"))
        writer.stdout.close()

        assert writer.stderr.read() == b""
    assert writer.returncode == 0


def test_who_is_told_to_end_while_a_writer_is_started_ends_once_it_is_known() -> None:
    """Else nobody would be left who could end that writer."""
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        with _until_known():
            signal.raise_signal(signal.SIGTERM)
            told_inside = list(told)

        assert (told_inside, told) == ([], [signal.SIGTERM])
        signal.raise_signal(signal.SIGTERM)
        assert told == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)
