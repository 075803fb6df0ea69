"""The address people open: the listening socket, who else has the port, and whether it really answers."""

from __future__ import annotations

import errno
import http.client
import socket

import psutil

LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 5.0
PROBED_PATHS = ("/", "/admin/login/")


class PortTaken(Exception):
    """Another process listens on the port."""


def listen(*, port: int) -> socket.socket:
    """Open the listening socket that the web server inherits; port 0 lets the system choose.

    The supervisor keeps it open, so a restarting web server loses neither the port nor waiting browsers.
    Raises `PortTaken` naming the port and, where the system tells, the process that has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as refused:
        listener.close()
        if refused.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} on {LOOPBACK} is taken{_by_whom(port)}. Choose another one: PORT={port + 1} make run"
            ) from refused
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}/"


def answers(*, port: int, host: str, is_behind_https: bool) -> bool:
    """Whether the pages a newcomer sees first come back without an error.

    `host` is a name the console answers to; behind an HTTPS proxy the probe says that it came through one.
    """
    headers = {"Host": host} | ({"X-Forwarded-Proto": "https"} if is_behind_https else {})
    try:
        return all(_status(port=port, path=path, headers=headers) < 400 for path in PROBED_PATHS)
    except (OSError, http.client.HTTPException):
        return False


def _status(*, port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _by_whom(port: int) -> str:
    """` by name (process id)`, or nothing when it belongs to somebody else and the system keeps it to itself."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            is_listening = connection.status == psutil.CONN_LISTEN
            if is_listening and getattr(connection.laddr, "port", None) == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""
