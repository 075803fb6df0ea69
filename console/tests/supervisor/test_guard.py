"""The guard ends what its supervisor left, waits for what ends by itself, and touches nobody else."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from console.supervisor.guard import guard, is_alive
from console.supervisor.guarding import Guarding
from console.tests.waiting import PATIENT_SECONDS, Stopwatch, wait_until

STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[str]]:
    """A group of two processes that does not end by being asked."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process
    if is_alive(process.pid):
        process.kill()
    process.wait()
    process.stdout.close()


def test_a_group_that_does_not_end_by_itself_is_killed_after_the_grace(stubborn: subprocess.Popen[str]) -> None:
    """Leader and children alike."""
    guard([f"+{stubborn.pid}\n"], grace_seconds=0.2)

    assert stubborn.wait(timeout=PATIENT_SECONDS) == -signal.SIGKILL
    wait_until(lambda: not is_alive(stubborn.pid), timeout_seconds=5, what="the end of the whole group")


def test_a_group_that_was_taken_off_the_list_is_left_alone(stubborn: subprocess.Popen[str]) -> None:
    """Its number may belong to somebody else by now."""
    guard([f"+{stubborn.pid}\n", f"-{stubborn.pid}\n"], grace_seconds=0.2)

    assert stubborn.poll() is None


def test_nothing_is_waited_for_when_everything_has_ended() -> None:
    """The grace is for the living."""
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    watch = Stopwatch()

    guard([f"+{process.pid}\n"], grace_seconds=60)

    assert watch.seconds < 5


def test_a_new_guard_is_told_everything_the_dead_one_knew(stubborn: subprocess.Popen[str]) -> None:
    """Also what was said while there was no guard to hear it."""
    guarding = Guarding()
    guarding._guard.kill()
    guarding._guard.wait()

    guarding.follow(stubborn.pid)

    assert guarding.renew()
    assert not guarding.renew()
    guarding.close()
    assert stubborn.wait(timeout=PATIENT_SECONDS) == -signal.SIGKILL
