"""The supervisor's side of the guard: which groups it watches over, and a new guard when it is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class Guarding:
    """Keeps one guard process informed of every group that must not outlive the supervisor."""

    def __init__(self) -> None:
        """Start the guard, with no group to watch over yet."""
        self._groups: set[int] = set()
        self._guard = self._start()

    def follow(self, group: int) -> None:
        """Have this process group ended should the supervisor be killed."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to somebody else."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def renew(self) -> bool:
        """Start another guard if this one has died, and tell it everything. Returns whether that was so."""
        if self._guard.poll() is None:
            return False
        self._let_go()
        self._guard = self._start()
        for group in self._groups:
            self._tell(f"+{group}\n")
        return True

    def close(self) -> None:
        """Let the guard end; with no group left it does nothing more."""
        self._let_go()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "console.supervisor.guard"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    def _tell(self, line: str) -> None:
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(line.encode())
        except BrokenPipeError:
            return  # the guard is dead; `renew` tells the next one everything

    def _let_go(self) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()
