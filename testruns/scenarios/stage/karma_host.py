"""A KARMA endpoint as a scenario holds it: a web server in a process that can hang, lie, die and come back."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from testruns.processes import fork_bound_child
from testruns.scenarios.stage.karma_server import Mode, serve_karma

START_SECONDS_MAX: Final = 30.0


class KarmaSilent(RuntimeError):
    """The endpoint did not do what its scenario told it."""


class KarmaHost:
    """The endpoint with its lives.

    Each is a process of its own, all of them serve the same port one after the other.
    """

    def __init__(self, *, lives: int = 1) -> None:
        """Fork as many lives as will be needed and begin the first, on a free port. Raises KarmaSilent."""
        self.port = 0
        self._lives = [fork_bound_child(serve_karma) for _ in range(lives)]
        self._life = 0
        self._begin()

    @property
    def url(self) -> str:
        """Its base address, the same in every life."""
        return f"http://127.0.0.1:{self.port}"

    def behave(self, mode: Mode) -> None:
        """Change its behaviour; returns when the endpoint has confirmed. Raises KarmaSilent."""
        if self._ask(mode) != mode:
            raise KarmaSilent(f"the KARMA endpoint did not become {mode}")

    def kill(self) -> None:
        """SIGKILL it: connections are refused from now on."""
        self._lives[self._life].discard()

    def come_back(self) -> None:
        """Begin the next life on the port it had. Raises KarmaSilent."""
        self._life += 1
        self._begin()

    def discard(self) -> None:
        """End all its lives."""
        for life in self._lives:
            life.discard()

    def _begin(self) -> None:
        self.port = int(self._ask(str(self.port)))

    def _ask(self, word: str) -> str:
        life = self._lives[self._life]
        os.write(life.stdin, f"{word}\n".encode())
        readable, _, _ = select.select([life.stdout], [], [], START_SECONDS_MAX)
        answer = os.read(life.stdout, 100) if readable else b""
        if not answer.endswith(b"\n"):
            raise KarmaSilent("the KARMA endpoint did not answer its scenario")
        return answer.decode("ascii").strip()


@contextmanager
def karma_host(*, lives: int = 1) -> Iterator[KarmaHost]:
    """An endpoint that is gone when the block is left; it can die and come back `lives` - 1 times."""
    host = KarmaHost(lives=lives)
    try:
        yield host
    finally:
        host.discard()
