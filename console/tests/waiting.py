"""Waiting for a condition, never for a time; and how long something took on a machine that others use as well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")
POLL_SECONDS = 0.05
PATIENCE = 6  # a machine shared with others takes this much longer at times; only a test that fails waits so long
PATIENT_SECONDS = 300  # for what ends by itself: only a test that fails waits so long
_SCHEDULED = Path("/proc/thread-self/schedstat")


class Stopwatch:
    """How long something takes that a figure is promised for, on a machine that may be busy with other things.

    As much longer as this thread was kept from a processor meanwhile, as much is taken off: in proc(5)'s schedstat
    stands for how long it ran and for how long it was ready to run and did not.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ran, self._waited = _scheduled()

    @property
    def seconds(self) -> float:
        """Until now, as on a machine with nothing else; never more than went by."""
        ran, waited = _scheduled()
        slowness = 1 + (waited - self._waited) / max(ran - self._ran, 1)
        return (time.monotonic() - self._began) / slowness


def _scheduled() -> tuple[int, int]:
    ran, waited, _ = map(int, _SCHEDULED.read_text().split())
    return ran, waited


def until(
    condition: Callable[[], Answer | None], *, seconds: float, every_seconds: float = POLL_SECONDS, what: str = ""
) -> Answer:
    """Ask until the answer is true and return it. AssertionError, naming `what`, when it is not in time.

    `seconds` is more than a machine takes that does nothing else; a busy one gets PATIENCE times as long. A test that
    owes a figure measures it with a `Stopwatch`.
    """
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE * seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what or condition} was not so within {PATIENCE * seconds} s"
        pause.wait(every_seconds)


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float, what: str) -> float:
    """Return after how many seconds of a `Stopwatch` the condition held; fail the test, naming `what`, if never."""
    watch = Stopwatch()
    until(condition, seconds=timeout_seconds, what=what)
    return watch.seconds
