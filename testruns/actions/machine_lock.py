"""The machine's lock: one scenario execution at a time, whoever starts it.

A flock on `storage/runs/lock`, taken by the queue's worker and by `run_live_tests`; the kernel gives it back when its
holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings


class MachineLock:
    """Holds the lock from a successful `try_take` to the end of the with block."""

    def __init__(self) -> None:
        """Open the lock file; nothing is locked yet."""
        path = Path(settings.STORAGE) / "runs" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def try_take(self) -> bool:
        """Take the lock if it is free."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> Self:
        """Nothing happens here; `try_take` takes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closing the file gives the lock back."""
        os.close(self._descriptor)


def is_machine_busy() -> bool:
    """Whether somebody holds the lock now."""
    with MachineLock() as lock:
        return not lock.try_take()
