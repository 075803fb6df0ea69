"""Waiting for a condition: the only way in which a test of processes lets time pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(condition: Callable[[], Answer | None], *, seconds: float, every_seconds: float = 0.05) -> Answer:
    """Ask until the answer is true and return it. AssertionError when it is not within `seconds`."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        pause.wait(every_seconds)
