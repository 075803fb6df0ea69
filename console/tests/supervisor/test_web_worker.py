"""What the web server cannot read as a request it refuses with a documented problem, and tells nothing of itself."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from console.kernel.api.problems import ProblemType, types
from console.supervisor.loop import web_server_argv
from console.supervisor.web_worker import ANSWERS, UNREADABLE
from console.tests.waiting import PATIENT_SECONDS, wait_until

LINE = "GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The web server as `up` starts it, with an application behind it that none of these requests reaches."""
    listener = socket.create_server(("127.0.0.1", 0))
    argv = [*web_server_argv(descriptor=listener.fileno())[:-1], "--workers", "1", "wsgiref.simple_server:demo_app"]
    server = subprocess.Popen(argv, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
    number = listener.getsockname()[1]
    wait_until(lambda: b"Hello" in sent(number, f"{LINE}Connection: close\r\n\r\n")[1], timeout_seconds=60, what="it")
    yield number
    server.terminate()
    server.wait(timeout=PATIENT_SECONDS)
    listener.close()


def sent(port: int, text: str) -> tuple[Any, bytes]:
    """The answer to these bytes: the response with its headers, and its body."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENT_SECONDS) as connection:
        connection.sendall(text.encode("latin-1"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer, answer.read()


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("GARBAGE <script>\r\n\r\n", 400, "malformed-request"),
        ("GET / HTTP/9.9\r\n\r\n", 400, "malformed-request"),
        (f"{LINE}Content-Length: -5\r\n\r\n", 400, "malformed-request"),
        (f"{LINE}A b: c\r\n\r\n", 400, "malformed-request"),
        (f"GET /{'a' * 9000} HTTP/1.1\r\n\r\n", 414, "uri-too-long"),
        (f"{LINE}X: {'a' * 9000}\r\n\r\n", 431, "headers-too-large"),
    ],
)
def test_what_is_no_request_is_a_problem(port: int, text: str, status: int, code: str) -> None:
    """In JSON, with the status in the line and in the body, and without a word of what was sent."""
    answer, body = sent(port, text)

    told = json.loads(body)
    assert (answer.status, told["status"], told["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "script" not in body.decode()


def test_each_of_these_answers_is_documented() -> None:
    """With the same status, title and address that the API itself would give it."""
    known = types()

    for status, code, _detail in (UNREADABLE, *ANSWERS.values()):
        assert known[code].status == status
        assert known[code] == ProblemType(code=code, status=status, about=known[code].about)
