"""A real HTTP server that plays the servers a pipeline meets on a bad day, answer by answer."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Play = Callable[["Handler"], None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Plays the next answer of its server."""

    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        self._play()

    def do_POST(self) -> None:
        """Answer."""
        self._play()

    def _play(self) -> None:
        """Keep the request, play the answer; the last one goes on for ever."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(method=self.command, path=self.path, headers=headers, body=body))
        play = self.server.plays.pop(0) if len(self.server.plays) > 1 else self.server.plays[0]
        play(self)

    def log_message(self, *_: Any) -> None:
        """Tests read `asked`, not the log."""

    def send(self, content: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plays: list[Play] = []
        self.asked: list[Asked] = []

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


@dataclass(kw_only=True)
class BadServer:
    """The server and what it was asked. context: to speak TLS."""

    context: ssl.SSLContext | None = None
    _server: _Server = field(default_factory=_Server)

    def __enter__(self) -> Self:
        if self.context is not None:
            self._server.socket = self.context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self._server.server_port}"

    @property
    def asked(self) -> list[Asked]:
        """Every request so far."""
        return self._server.asked

    def plays(self, *plays: Play) -> None:
        """What it answers, in this order."""
        self._server.plays = list(plays)


def says(document: Any, *, status: int = 200, **headers: str) -> Play:
    """A JSON document."""
    kind = "application/json" if status < 400 else "application/problem+json"
    return lambda handler: handler.send(json.dumps(document).encode(), status=status, kind=kind, **headers)


def sends(content: bytes, *, status: int = 200, kind: str = "text/html", **headers: str) -> Play:
    """Any bytes."""
    return lambda handler: handler.send(content, status=status, kind=kind, **headers)


def problem(status: int, code: str, detail: str = "", **more: Any) -> Play:
    """A problem as the console answers it."""
    return says(
        {"type": f"/{code}/", "title": code, "status": status, "code": code, "detail": detail, **more}, status=status
    )


def cuts(handler: Handler) -> None:
    """Half of an answer, and the connection is gone: the server was killed."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"run": 1')


def hangs_up(handler: Handler) -> None:
    """Not a byte, and the connection is gone."""
    handler.close_connection = True


def speaks_otherwise(handler: Handler) -> None:
    """Bytes that are no HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")


def hangs(until: threading.Event) -> Play:
    """No answer before the test is over."""
    return lambda handler: _wait(until)


def trickles(until: threading.Event) -> Play:
    """An answer that never ends: a byte at a time."""

    def play(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not until.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return play


def _wait(until: threading.Event) -> None:
    until.wait(30)
