"""The KARMA endpoint itself: a real HTTP server on 127.0.0.1 that behaves as its scenario says."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final


class Mode(StrEnum):
    """How the endpoint behaves. WELL: a score; HANG: takes the question, never answers; GARBAGE: answers nonsense."""

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
        """Say nothing: stderr is evidence of failures."""

    def _score(self) -> bytes:
        digest = hashlib.sha256(self.path.encode()).digest()
        return json.dumps({"score": digest[0] * 100 / 255, "ci": round(0.4 + digest[1] / 1000, 3)}).encode()

    def _garbage(self) -> bytes:
        self.server.answered_count += 1
        return GARBAGE[self.server.answered_count % len(GARBAGE)]


def serve_karma(stdin: int, stdout: int) -> int:
    """Serve until `stdin` closes. Its first line is the port to serve on (0: any free one), the others are modes.

    Each line is confirmed on `stdout`: the port in use, the mode taken.
    """
    with os.fdopen(stdin, "r", encoding="ascii") as words:
        server = _Endpoint(int(words.readline()))
        threading.Thread(target=server.serve_forever, name="serving", daemon=True).start()
        os.write(stdout, f"{server.server_address[1]}\n".encode())
        for word in words:
            server.mode = Mode(word.strip())
            if server.mode is Mode.HANG:
                server.released.clear()
            else:
                server.released.set()
            os.write(stdout, f"{server.mode}\n".encode())
    return 0
