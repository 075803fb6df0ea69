"""Waiting for a condition, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float, what: str) -> float:
    """Return after how many seconds the condition held; fail the test, naming `what`, when it never did."""
    began = time.monotonic()
    pause = threading.Event()
    while not condition():
        waited = time.monotonic() - began
        assert waited < timeout_seconds, f"{what} did not happen within {timeout_seconds} s"
        pause.wait(POLL_SECONDS)
    return time.monotonic() - began
