"""A KARMA endpoint as a scenario holds it: a web server in a process that can hang, lie, die and come back.

`python -m testruns.scenarios.stage karma PORT` serves on 127.0.0.1 (0: any free port), tells its port in one
line, and takes its mode from stdin, one word a line. It dies with its parent, and ends when stdin closes.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from testruns.processes import kill_child, start_bound_child

START_SECONDS_MAX: Final = 30.0
_MODULE: Final = "testruns.scenarios.stage"


class Mode(StrEnum):
    """How the endpoint behaves. WELL: a score; HANG: takes the question and never answers; GARBAGE.

    Answers nonsense.
    """

    WELL = "well"
    HANG = "hang"
    GARBAGE = "garbage"


class KarmaHost:
    """The endpoint as the scenario holds it."""

    def __init__(self) -> None:
        """Start it on a free port. Raises RuntimeError when it does not come up."""
        self.port = 0
        self._start()

    @property
    def url(self) -> str:
        """Its base address, the same before and after a death."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the endpoint that runs now."""
        return self._child.pid

    def behave(self, mode: Mode) -> None:
        """Change its behaviour; returns when the endpoint has confirmed."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{mode}\n".encode())
        self._child.stdin.flush()
        if self._answer() != mode:
            raise RuntimeError(f"the KARMA endpoint did not become {mode}")

    def kill(self) -> None:
        """SIGKILL it: connections are refused from now on."""
        kill_child(self._child)

    def come_back(self) -> None:
        """Start it again on the port it had. Raises RuntimeError."""
        self._start()

    def _start(self) -> None:
        self._child = start_bound_child([sys.executable, "-m", _MODULE, "karma", str(self.port)])
        self.port = int(self._answer())

    def _answer(self) -> str:
        assert self._child.stdout is not None
        readable, _, _ = select.select([self._child.stdout], [], [], START_SECONDS_MAX)
        line = self._child.stdout.readline() if readable else b""
        if not line:
            self.kill()
            raise RuntimeError("the KARMA endpoint did not answer its scenario")
        return line.decode("ascii").strip()


@contextmanager
def karma_host() -> Iterator[KarmaHost]:
    """An endpoint that is gone when the block is left."""
    host = KarmaHost()
    try:
        yield host
    finally:
        host.kill()
