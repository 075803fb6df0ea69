"""The server of the benchmark: started as `up` starts it, on a storage of its own that goes with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from console.supervisor import address
from console.supervisor.child import Child
from console.supervisor.guarding import Guarding
from console.supervisor.loop import stop, web_server_argv

START_SECONDS_MAX = 60.0
_SETTINGS = "console.bench.settings"


class NeverStarted(Exception):
    """The storage could not be filled, or the server did not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server that answers: where, and what its storage holds."""

    address: tuple[str, int]
    tokens: tuple[str, ...]
    waiting: int
    judged: int

    def request(self, path: str, *, token: int = 0, body: bytes | None = None, headers: str = "") -> bytes:
        """A whole request by the token of this number; a POST with a body, a GET without."""
        method, text = ("GET", "") if body is None else ("POST", "Content-Type: application/json\r\n")
        length = f"Content-Length: {len(body or b'')}\r\n" if body is not None else ""
        owner = self.tokens[token % len(self.tokens)]
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {owner}\r\n"
        return f"{head}{text}{length}{headers}\r\n".encode() + (body or b"")

    def ask(self, path: str, *, body: Any = None, key: str = "") -> Any:
        """The JSON of one answer. Raises NeverStarted for a refusal."""
        with closing(HTTPConnection(*self.address, timeout=60)) as connection:
            headers = {"Authorization": f"Bearer {self.tokens[0]}", "Idempotency-Key": f'"{key}"'}
            headers |= {"Content-Type": "application/json"} if body is not None else {}
            content = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= 400:
            raise NeverStarted(f"{path}: {answer.status} {text[:500]!r}")
        return json.loads(text)


@contextmanager
def serving(*, run_count: int, token_count: int) -> Iterator[Server]:
    """A server with the default number of processes and threads; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as storage:
        environment = _environment(storage)
        known = _fill(environment, run_count=run_count, token_count=token_count)
        with address.listen(port=0) as listener, closing(Guarding()) as guarding:
            child = Child(
                name="web server",
                argv=web_server_argv(descriptor=listener.fileno()),
                environment=environment,
                inherited=[listener.fileno()],
                guarding=guarding,
            )
            child.start()
            try:
                _wait_for(listener, child)
                yield Server(address=listener.getsockname(), tokens=tuple(known.pop("tokens")), **known)
            finally:
                stop([child])


def _environment(storage: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEHOUSE_", "DATABASE_URL"))}
    return kept | {"GATEHOUSE_STORAGE": storage, "DJANGO_SETTINGS_MODULE": _SETTINGS}


def _fill(environment: dict[str, str], *, run_count: int, token_count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "console.bench.preparing", str(run_count), str(token_count)],
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise NeverStarted(f"The storage could not be filled:\n{done.stderr.decode(errors='replace')}")
    known: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return known


def _wait_for(listener: socket.socket, child: Child) -> None:
    """Return as soon as a page comes back."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not address.answers(port=listener.getsockname()[1], host="127.0.0.1", is_behind_https=False):
        if child.has_ended or time.monotonic() > deadline:
            raise NeverStarted("The web server did not answer.")
        time.sleep(0.1)
