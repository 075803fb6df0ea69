"""One supervised process and everything it starts: a session of its own that is started, restarted and ended as one."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from console.supervisor import guard
from console.supervisor.guarding import Guarding

BACKOFF_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0  # a child that lived this long starts again at once
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(kw_only=True)
class Child:
    """A process to keep running; the guard hears of every group it leads."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    inherited: Sequence[int]
    guarding: Guarding
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    death_count: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _began: float = 0.0
    _due: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own; the kernel tells it with SIGTERM when the supervisor dies."""
        parent = os.getpid()

        def bind_to_parent() -> None:
            # Runs between fork and exec; the supervisor has one thread, so this is safe here.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        self._process = subprocess.Popen(
            list(self.argv),
            env=dict(self.environment),
            pass_fds=tuple(self.inherited),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=bind_to_parent,
        )
        self._began, self.started_at = time.monotonic(), datetime.now(UTC)
        self.guarding.follow(self._process.pid)

    def take_death(self) -> int | None:
        """The exit code, once, if it has ended since the last look; what it left of its group is killed."""
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        lived_seconds = time.monotonic() - self._began
        self._forget()
        self.death_count = 1 if lived_seconds > STEADY_SECONDS else self.death_count + 1
        self._due = time.monotonic() + self.backoff_seconds
        return code

    @property
    def backoff_seconds(self) -> float:
        """How long to wait before the next start: 1 s after the first death, twice as long after each further one."""
        return float(min(BACKOFF_SECONDS_MAX, 2 ** (self.death_count - 1))) if self.death_count else 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is not running and its wait is over."""
        return self._process is None and time.monotonic() >= self._due

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself; it stops what it has started in its own order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    @property
    def has_ended(self) -> bool:
        """Whether the process itself is over."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL the whole group now."""
        if self._process is not None:
            self._forget()

    def _forget(self) -> None:
        """End the group, reap the process, and tell the guard that there is nothing left of it."""
        assert self._process is not None
        guard.kill(self._process.pid)
        self._process.wait()
        self.guarding.forget(self._process.pid)
        self._process = None
