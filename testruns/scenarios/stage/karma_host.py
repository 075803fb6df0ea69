"""A KARMA endpoint of its own: a real HTTP server in a process that can hang, lie, die and come back on the same port.

`python -m testruns.scenarios.stage.karma_host PORT` serves on 127.0.0.1 (0: any free port), tells its port in one
line, and takes its mode from stdin, one word a line. It dies with its parent, and ends when stdin closes.
"""

from __future__ import annotations

import hashlib
import json
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from testruns.processes import die_with_parent, kill_child, start_bound_child

START_SECONDS_MAX: Final = 30.0
_MODULE: Final = "testruns.scenarios.stage.karma_host"


class Mode(StrEnum):
    """How the endpoint behaves. WELL: a score; HANG: takes the question and never answers; GARBAGE.

    Answers nonsense.
    """

    WELL = "well"
    HANG = "hang"
    GARBAGE = "garbage"


GARBAGE: Final = (
    b'{"score": "NaN", "ci": 2}',
    b"<html>502 Bad Gateway</html>",
    b'{"score": 101, "ci": 0.5}',
    b'{"score": NaN, "ci": 0.5}',
    b'{"sco',
)


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
        self._child = start_bound_child([sys.executable, "-m", _MODULE, str(self.port)])
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


class _Endpoint(ThreadingHTTPServer):
    """The server with its present mode."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    mode = Mode.WELL

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.released = threading.Event()
        self.answered_count = 0


class _Handler(BaseHTTPRequestHandler):
    """GET /api/karma/agents/{id}/score."""

    server: _Endpoint

    def do_GET(self) -> None:
        """Answer in the present mode."""
        if self.server.mode is Mode.HANG:
            self.server.released.wait()
            self.close_connection = True
            return
        body = self._score() if self.server.mode is Mode.WELL else self._garbage()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: stdout is the control pipe, stderr is evidence of failures."""

    def _score(self) -> bytes:
        digest = hashlib.sha256(self.path.encode()).digest()
        return json.dumps({"score": digest[0] * 100 / 255, "ci": round(0.4 + digest[1] / 1000, 3)}).encode()

    def _garbage(self) -> bytes:
        self.server.answered_count += 1
        return GARBAGE[self.server.answered_count % len(GARBAGE)]


def main() -> int:
    """Serve until stdin closes."""
    die_with_parent()
    server = _Endpoint(int(sys.argv[1]))
    threading.Thread(target=server.serve_forever, name="serving", daemon=True).start()
    _say(str(server.server_address[1]))
    for line in sys.stdin:
        server.mode = Mode(line.strip())
        if server.mode is not Mode.HANG:
            server.released.set()
        else:
            server.released.clear()
        _say(server.mode)
    return 0


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
