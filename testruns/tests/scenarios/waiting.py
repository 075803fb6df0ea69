"""Waiting for what processes do, without sleeping for a guessed time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SECONDS_MAX = 30


def wait_until(is_true: Callable[[], bool]) -> None:
    """Wait for a condition, at most half a minute."""
    deadline = time.monotonic() + SECONDS_MAX
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.02)
