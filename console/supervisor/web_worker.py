"""The web server's worker: what cannot even be read as a request it refuses as the API refuses, with a problem.

Such a request never reaches Django, so nothing of Django is imported here; a test holds these answers against the
documented types. gunicorn itself would answer in HTML and quote what it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

UNREADABLE: Final = (400, "malformed-request", "The request could not be read.")
ANSWERS: Final[Mapping[int, tuple[int, str, str]]] = MappingProxyType(
    {
        414: (414, "uri-too-long", "The address with its query is longer than this server reads."),
        431: (431, "headers-too-large", "The headers are larger than this server reads."),
        500: (500, "internal-error", "A fault of the program. It is in the log."),
    }
)
"""Status, code and detail by the status that gunicorn found; any other is a request that could not be read."""


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn says no types
    """gunicorn's worker with threads."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Log it as gunicorn does, and say it as a problem."""
        super().handle_error(req, _Refused(client), addr, exc)


class _Refused:
    """A connection on which gunicorn says in HTML why it refuses; it goes on as a problem of the same status."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, answer: bytes) -> None:
        """Send the problem for what begins with this status line."""
        self._connection.sendall(problem_for(int(answer.split(maxsplit=2)[1])))


def problem_for(found: int) -> bytes:
    """The whole answer for a status that gunicorn found; the connection ends with it."""
    status, code, detail = ANSWERS.get(found, UNREADABLE)
    body = {
        "type": f"/api/v1/problems/{code}/",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "instance": "",
    }
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        "Cache-Control: no-store",
        f"Content-Length: {len(content)}",
        "\r\n",
    )
    return "\r\n".join(head).encode() + content
