"""Verifying in several processes says the same as in one, whatever is wrong."""

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.engine.layout import Layout
from ledger.proof import processes
from ledger.proof.processes import verify_in_processes
from ledger.proof.verification import Progress, SegmentFile, verify
from ledger.tests.proof.journals import change, copy_of, segments

DAMAGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda home: None,
    "a record in a middle segment": lambda home: change(segments(home)[1], lambda lines: [*lines[:4], *lines[5:]]),
    "a missing segment": lambda home: segments(home)[1].unlink(),
    "a torn end": lambda home: _append(segments(home)[-1], b'{"seq":9'),
    "a manifest line": lambda home: Layout(home).manifest.write_bytes(b"{}\n" + Layout(home).manifest.read_bytes()),
    "a lost mark": lambda home: Layout(home).durable.unlink(),
}


def _append(path: Path, piece: bytes) -> None:
    content = path.read_bytes()
    end = len(content.rstrip(b"\n")) + 1
    path.write_bytes(content[:end] + piece + content[end + len(piece) :])


def _teller(told: list[tuple[int, int]]) -> Progress:
    return lambda done, total: told.append((done, total))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: there is only one process to compare")
def test_several_processes_report_what_one_does(home: Path, tmp_path: Path) -> None:
    """Sound, damaged in the middle, missing, torn, manifest, mark: equal reports, field by field."""
    for number, damage in enumerate(DAMAGES.values()):
        copy = copy_of(home, tmp_path / f"copy-{number}")
        damage(copy)
        told: list[tuple[int, int]] = []
        tell = _teller(told)

        report = verify_in_processes(path=copy, watched={5, 60}, progress=tell, worth_it_bytes=0)

        assert dataclasses.asdict(report) == dataclasses.asdict(verify(path=copy, watched={5, 60}))
        assert told[-1][0] == told[-1][1]
        assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_small_journal_is_read_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting processes would take longer than reading."""
    monkeypatch.setattr(processes, "_read_in_workers", None)

    assert verify_in_processes(path=home).is_sound


def _killed(_: SegmentFile) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: there are no workers")
def test_a_worker_that_is_killed_is_an_error_and_no_verdict(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither sound nor damaged: it was not read."""
    monkeypatch.setattr(processes, "_read", _killed)

    with pytest.raises(OSError, match="ended by something else"):
        verify_in_processes(path=home, worth_it_bytes=0)
