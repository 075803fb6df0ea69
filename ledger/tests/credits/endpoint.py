"""A KARMA endpoint for tests: a real HTTP server on loopback that answers, lies, hangs, drips and dies on demand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = b'{"score": 81.5, "ci": 0.62}'


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        """Answer as the endpoint is told to."""
        self.server.paths.append(self.path)
        if self.server.is_hanging:
            self.server.released.wait(10)
            return
        try:
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            if not self.server.is_dripping:
                self.wfile.write(self.server.body)
                return
            for byte in self.server.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.released.wait(0.1):
                    return
        except OSError:
            return  # the client gave up: that is what these tests are about

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


class Endpoint(ThreadingHTTPServer):
    """Start with `start()`, end with `die()`; both may be repeated on the same port."""

    daemon_threads = True
    allow_reuse_address = allow_reuse_port = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.body, self.status = GOOD, 200
        self.is_hanging = self.is_dripping = False
        self.released = threading.Event()
        self.paths: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def die(self) -> None:
        """Stop listening; who asks now is refused."""
        self.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


@contextmanager
def port_without_server() -> Iterator[int]:
    """A port on which nobody listens, and which nobody but an `Endpoint` can have meanwhile."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
