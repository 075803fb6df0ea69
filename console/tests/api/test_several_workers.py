"""Several server processes on one live journal: nothing is spent twice, and all refuse a revoked token at once."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as installed

from console.actions import revoke_token
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import ApiToken, Person
from console.kernel.scopes import Scope
from console.tests.api_client import token_for
from console.tests.people import person_with
from console.tests.waiting import PATIENT_SECONDS, wait_until
from ledger import check_invariants
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import events_directory, live_journal

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS, CLIENTS, ORDERS = 2, 8, 60
BOTH = (Scope.CREDITS_READ, Scope.CREDITS_WRITE)
STORAGE = installed.STORAGE  # that of the test run: the servers find its database there


class Server:
    """The product's web server as `up` starts it, on a port of its own."""

    def __init__(self) -> None:
        self.connections: list[http.client.HTTPConnection] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        number = self.listener.fileno()
        options = ["--bind", f"fd://{number}", "--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "4"]
        options += ["--keep-alive", "120", "--timeout", "240"]  # a slow machine loses no connection, no worker is lost
        options += ["--preload", "--no-control-socket"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "console.wsgi:application"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"},
            pass_fds=[number],
        )

    def connect_to_every_worker(self, *, count: int) -> list[http.client.HTTPConnection]:
        """So many connections to each worker process, which stay open over many requests.

        Who takes a connection is chance, so all but one worker are stopped while connections to that one are made.
        """
        wait_until(lambda: len(self.workers()) == WORKERS, timeout_seconds=60, what="every worker process")
        return [connection for worker in self.workers() for connection in self._connect_to(worker, count)]

    def _connect_to(self, worker: psutil.Process, count: int) -> list[http.client.HTTPConnection]:
        others = [other for other in self.workers() if other != worker]
        connections = [
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENT_SECONDS) for _ in range(count)
        ]
        self.connections += connections
        for other in others:
            other.suspend()
        try:
            for connection in connections:
                connection.request("GET", "/api/v1/no-such-page/")
                assert connection.getresponse().read()
        finally:
            for other in others:
                other.resume()
        return connections

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        return psutil.Process(self.process.pid).children()

    def workers_with_journal(self) -> int:
        """How many of the worker processes have opened the live journal."""
        journal = str(live_journal())
        return sum(any(file.path.startswith(journal) for file in worker.open_files()) for worker in self.workers())

    def stop(self) -> None:
        """End it, and everything it started."""
        for connection in self.connections:
            connection.close()
        self.process.terminate()
        self.process.wait(timeout=PATIENT_SECONDS)
        self.listener.close()


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Server]:
    """Two worker processes of four threads."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def storage(settings: Any) -> Iterator[Path]:
    """The storage of the test run, whose live journal goes at the end."""
    close_live_ledger()
    settings.STORAGE = STORAGE
    yield STORAGE
    close_live_ledger()


@pytest.fixture(scope="module", autouse=True)
def _journal_goes_at_the_end(server: Server) -> Iterator[None]:
    yield
    shutil.rmtree(events_directory(), ignore_errors=True)


def send(connection: http.client.HTTPConnection, token: str, path: str, body: Any, key: str) -> tuple[int, Any]:
    """POST below /api/v1/credits/; status and body."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
    connection.request("POST", f"/api/v1/credits/{path}/", json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def spend(connection: http.client.HTTPConnection, token: str, client: int, found: list[tuple[int, Any]]) -> None:
    """Sixty orders of one credit on a connection of its own; every sixth is sent again under its key."""
    order = {"agent_id": "ann", "amount": "1", "reason": "work"}
    for number in range(ORDERS):
        answers = [
            send(connection, token, "consume", order, f"{client}-{number}") for _ in range(1 + (number % 6 == 0))
        ]
        if answers[0][0] == 200:
            assert all(answer == answers[0] for answer in answers)
        found.append(answers[0])


def test_a_balance_that_many_spend_at_once_through_two_processes_is_spent_exactly(server: Server) -> None:
    """480 orders for 415 credits, some sent twice: 415 are carried out, each balance was seen once, nothing is left.

    Each process has 240 orders, so neither can carry out all 415.
    """
    token = token_for(person_with(Role.ENGINEER), *BOTH)
    connections = server.connect_to_every_worker(count=CLIENTS // WORKERS)
    assert send(connections[0], token, "agents", {"agent_id": "ann"}, "new")[0] == 201
    assert send(connections[-1], token, "add", {"agent_id": "ann", "amount": 300, "reason": "work"}, "more")[0] == 200
    found: list[tuple[int, Any]] = []

    clients = [
        threading.Thread(target=spend, args=(connection, token, client, found))
        for client, connection in enumerate(connections)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join(timeout=PATIENT_SECONDS)

    balances = [body["balance"] for status, body in found if status == 200]
    assert Counter(status for status, _body in found) == {200: 415, 409: CLIENTS * ORDERS - 415}
    assert sorted(balances) == sorted(f"{left}.000000" for left in range(415))
    assert server.workers_with_journal() == WORKERS
    assert live_ledger().balance("ann") == 0
    assert check_invariants(live_journal()).is_held


def test_a_revoked_token_is_refused_by_every_process_from_its_revocation_on(server: Server) -> None:
    """Both have it in memory; neither is asked to forget it."""
    person = person_with(Role.ENGINEER)
    token = token_for(person, *BOTH)
    connections = server.connect_to_every_worker(count=1)
    body = {"agent_id": "nobody", "amount": "1", "reason": "work"}

    def answers(attempt: str) -> set[int]:
        numbered = enumerate(connections)
        return {send(one, token, "consume", body, f"{attempt}-{number}")[0] for number, one in numbered}

    assert answers("before") == {404}
    assert server.workers_with_journal() == WORKERS
    revoke_token(
        actor=Actor(person=Person.objects.get(pk=person.pk), via="console"), token_id=ApiToken.objects.get().pk
    )

    assert answers("after") == {401}
