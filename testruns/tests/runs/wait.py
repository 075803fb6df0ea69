"""Waiting for a condition: the only way in which a test of processes lets time pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
PATIENCE = 6  # a machine shared with others takes this much longer at times; only a test that fails waits so long


def until(condition: Callable[[], Answer | None], *, seconds: float, every_seconds: float = 0.05) -> Answer:
    """Ask until the answer is true and return it. AssertionError when it is not within PATIENCE times `seconds`.

    `seconds` is what a machine takes that does nothing else. A test that owes a figure measures it.
    """
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE * seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {PATIENCE * seconds} s: {condition}"
        pause.wait(every_seconds)
