"""The benchmark of the API in its short form: the same server, the same clients, the same promises, small figures."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import psutil
import pytest
from django.core.management import call_command

from console.bench import figures
from console.bench.loop import NotAnswered, Patient, Steady, drive
from console.bench.server import Server


def test_the_benchmark_measures_everything_it_promises_against_a_real_server() -> None:
    """Every answer is the right one, the balance is exact over two processes, and nothing is left running."""
    said = io.StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("bench_api", seconds=0.6, connections=4, runs=60, waiters=6, stdout=said)

    text = said.getvalue()
    for line in ("floor: empty authenticated view", "GET a run", "POST consume", "list ?", "GET a run, 6 wait"):
        assert re.search(rf"^{re.escape(line)} .*\d+\.\d", text, re.MULTILINE), text
    assert "the balance is exact – holds" in text
    assert "every answer is 200" not in text
    assert re.search(r"\d+ were sent away meanwhile", text)
    assert end.value.code == int("MISSED" in text)
    assert not [one for one in psutil.Process().children(recursive=True) if "gunicorn" in " ".join(one.cmdline())]


@pytest.mark.parametrize(
    "of", [lambda server: figures.getting(server, "/"), lambda server: figures.consuming(server, ["a"])]
)
def test_each_connection_asks_by_every_token_in_turns(of: Callable[[Server], figures.Ask]) -> None:
    """Three of them for each are throttled where one server process has nearly all connections, the other a few."""
    tokens = tuple(f"token-{number}" for number in range(12))
    server = Server(address=("127.0.0.1", 1), tokens=tokens, waiting=1, judged=2)
    request = of(server)(2)

    used = Counter(re.search(rb"Bearer (\S+)", request())[1] for _ in range(36))  # type: ignore[index]  # it is there

    assert set(used.values()) == {3}
    assert len(used) == len(tokens)


class _Server(BaseHTTPRequestHandler):
    """Answers with the status that the path names; /none closes the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/none":
            self.close_connection = True
            return
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "2")
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A server of the standard library."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield ("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()


def request(path: str) -> bytes:
    """A whole GET."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_a_steady_client_asks_on_and_a_patient_one_comes_when_it_was_told(address: tuple[str, int]) -> None:
    """What was answered is counted by status; the patient one asked once in half a second."""
    steady, patient = Steady(ask=lambda: request("/200")), Patient(ask=lambda: request("/503"))

    seconds = drive(address=address, clients=[steady, patient], seconds=0.4)

    assert (set(steady.statuses), steady.statuses[200]) == ({200}, steady.latency.count)
    assert steady.latency.count >= 2
    assert patient.statuses == Counter({503: 1})
    assert seconds >= 0.4


def test_a_server_that_does_not_answer_is_said(address: tuple[str, int]) -> None:
    """A closed connection is no figure."""
    with pytest.raises(NotAnswered):
        drive(address=address, clients=[Steady(ask=lambda: request("/none"))], seconds=0.2)
