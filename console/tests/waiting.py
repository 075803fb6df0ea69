"""Waiting for a condition, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.05
PATIENCE = 4  # a machine shared with others takes this much longer at times; only a test that fails waits so long


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float, what: str) -> float:
    """Return after how many seconds the condition held; fail the test, naming `what`, when it never did.

    `timeout_seconds` is more than a machine takes that does nothing else; a busy one gets PATIENCE times as long.
    """
    timeout_seconds *= PATIENCE
    began = time.monotonic()
    pause = threading.Event()
    while not condition():
        waited = time.monotonic() - began
        assert waited < timeout_seconds, f"{what} did not happen within {timeout_seconds} s"
        pause.wait(POLL_SECONDS)
    return time.monotonic() - began
