"""`ledger torture`: what it prints, what it ends with, and how one seed is seen again."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from console.tests.waiting import until
from ledger.tests.commands.calling import call
from ledger.torture.plan import ROUND_SEEDS, SUITES, replay_of, round_of


def test_it_says_what_it_tried_and_that_it_found_nothing(storage: Path) -> None:
    """Two days of interleavings in two processes; the last line is one that a runner of tests would print."""
    done = call("ledger", "torture", "--suite", "interleavings", "--seeds", "2", "--processes", "1")

    assert done.code == 0
    assert "interleavings: 2 seeds, 0 findings" in done.out
    assert "commands acknowledged" in done.out
    assert done.out.splitlines()[-1] == "1 passed, 0 failed"


def test_a_finding_ends_with_1_and_says_how_to_see_it_again() -> None:
    """Here the disk of the real processes takes no directory at all."""
    done = call("ledger", "torture", "--suite", "kills", "--seed", "7", "--directory", "/proc", "--processes", "1")

    assert done.code == 1
    assert "kills: seed 7: " in done.out
    assert "ledger torture --suite kills --seed" in done.out
    assert done.out.splitlines()[-1] == "0 passed, 1 failed"


def test_a_whole_plan_is_every_suite_with_its_seeds_and_a_replay_is_one_seed() -> None:
    """No round repeats a seed of another."""
    whole = [part for number in range(2) for part in round_of(suites=list(SUITES), seeds=ROUND_SEEDS, number=number)]

    assert len(whole) == len(set(whole)) == 2 * sum(suite.seeds * suite.shares for suite in SUITES.values())
    assert {part.seed for part in replay_of(suites=["crashes"], seed=138)} == {138}


@pytest.mark.parametrize("name", SUITES)
def test_the_plan_asks_for_what_was_promised(name: str) -> None:
    """The numbers of the design."""
    promised = {"kills": 50_000, "crashes": 100_000, "damage": 250_000, "errors": 300, "interleavings": 500}

    assert SUITES[name].at_least == promised[name]


def test_with_minutes_it_ends_in_time_and_each_suite_had_its_proportion() -> None:
    """A part of each suite comes first, however little time there is; a third of the plan is a third of each suite."""
    parts = round_of(suites=list(SUITES), seeds=ROUND_SEEDS, number=0)
    whole = Counter(part.suite for part in parts)

    assert {part.suite for part in parts[: len(SUITES)]} == SUITES.keys()
    for suite, count in Counter(part.suite for part in parts[: len(parts) // 3]).items():
        assert abs(count - whole[suite] / 3) <= 2

    done = call("ledger", "torture", "--suite", "interleavings", "--minutes", "0", "--processes", "1")
    assert done.code == 0
    assert "interleavings: 1 seeds, 0 findings" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_says_what_it_tried_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """Also where a shell started it in the background, which lets programs ignore SIGINT."""
    torture = _started(tmp_path / "real", processes=1, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))

    torture.send_signal(number)

    assert "kills: 0 operations" in _stopped(torture, tmp_path / "real")


def test_ctrl_c_on_a_terminal_reaches_everybody_and_is_answered_once(tmp_path: Path) -> None:
    """Some workers write by then, others are only starting; none says anything, and nothing stays."""
    torture = _started(tmp_path / "real", processes=3)

    os.killpg(torture.pid, signal.SIGINT)

    assert _stopped(torture, tmp_path / "real")


def _started(place: Path, *, processes: int, **options: Any) -> subprocess.Popen[str]:
    """A torture with real processes, the first of which writes by now."""
    arguments = ["ledger", "torture", "--suite", "kills", "--processes", str(processes), "--directory", str(place)]
    torture = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    until(lambda: any(place.glob("torture-*/journal/segments/*")), seconds=60, what="that real processes write")
    return torture


def _stopped(torture: subprocess.Popen[str], place: Path) -> str:
    """What it said at its end, which came as it must: no word of a fault, no file and no process is left."""
    out, err = torture.communicate()
    assert torture.returncode == 130, err
    assert out.splitlines()[-1].startswith("It was stopped")
    assert "Traceback" not in err
    assert list(place.iterdir()) == []
    until(lambda: _is_gone(torture.pid), seconds=20, what="that every process is gone")
    return out


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False
