"""Waiting for a run: answered when it changes, few at a time, without a connection to the database meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from console.kernel.api import waiters
from console.kernel.api.waiters import PLACES
from console.kernel.authority import Role
from console.kernel.models import Person
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.waiting import until
from testruns.actions import ensure_shipped_policies
from testruns.models import Run
from testruns.tests.api.conftest import ALL_OF_RUNS
from testruns.tests.policies.judged import waiting_run

LONG = 30


@pytest.fixture
def waiting(transactional_db: None) -> Iterator[tuple[ApiClient, Run]]:
    """A client and a run that waits, both visible to other threads."""
    ensure_shipped_policies()
    person: Person = person_with(Role.TESTER)
    yield api_client(person, *ALL_OF_RUNS), waiting_run([], requested_by=person)


@pytest.fixture
def in_another_thread() -> Iterator[ThreadPoolExecutor]:
    """Requests of others, whose connections end with them."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        yield pool


def wait_for(client: ApiClient, run: Run, seconds: int) -> Any:
    """The answer to a wait of so many seconds, from a thread that keeps no connection."""
    try:
        return client.read(f"runs/{run.pk}/wait/", {"timeout": seconds})
    finally:
        connections.close_all()


def who_wait() -> int:
    """How many places are taken; asked without taking one, which would send a waiting request away."""
    return PLACES - waiters._slots._value


def test_a_wait_is_answered_by_the_change(
    waiting: tuple[ApiClient, Run], in_another_thread: ThreadPoolExecutor
) -> None:
    """Long before its timeout, with the run as it is then."""
    client, run = waiting
    answer = in_another_thread.submit(wait_for, client, run, LONG)
    until(lambda: who_wait() == 1, seconds=20)

    Run.objects.filter(pk=run.pk).update(state="RUNNING", version=2)

    assert answer.result(timeout=LONG / 2).json()["state"] == "RUNNING"


def test_who_comes_when_all_places_are_taken_is_sent_away_at_once(
    waiting: tuple[ApiClient, Run], in_another_thread: ThreadPoolExecutor
) -> None:
    """503 with Retry-After; other requests go on, a run that is over needs no place; the place is free afterwards."""
    client, run = waiting
    over = waiting_run([], requested_by=Person.objects.get(), state="UNFINISHED")
    waits = [in_another_thread.submit(wait_for, client, run, LONG) for _ in range(PLACES)]
    until(lambda: who_wait() == PLACES, seconds=20)

    refused = client.read(f"runs/{run.pk}/wait/", {"timeout": LONG})
    ended = client.read(f"runs/{over.pk}/wait/", {"timeout": LONG})
    without_waiting = client.read(f"runs/{run.pk}/wait/", {"timeout": 0})
    Run.objects.filter(pk=run.pk).update(recommendation="GO", version=2)

    assert (refused.status_code, refused.json()["code"]) == (503, "too-many-waiters")
    assert 5 <= int(refused.headers["Retry-After"]) <= 10
    assert (ended.status_code, ended.json()["state"]) == (200, "UNFINISHED")
    assert (without_waiting.status_code, without_waiting.json()["state"]) == (200, "QUEUED")
    assert [wait.result(timeout=LONG / 2).json()["recommendation"] for wait in waits] == ["GO"] * PLACES
    assert who_wait() == 0


def test_nothing_is_held_while_nothing_happens(transactional_db: None) -> None:
    """Between two looks the thread has no connection to the database."""
    held = []

    def look() -> str | None:
        held.append(connection.connection is not None)
        Run.objects.exists()
        return None if len(held) < 3 else "seen"

    Run.objects.exists()
    assert waiters.until(look, timeout_seconds=LONG) == "seen"
    assert held == [True, False, False]
    assert waiters.until(lambda: None, timeout_seconds=0.1) is None


@pytest.mark.parametrize("timeout", ["31", "-1", "1.5", "soon", "9" * 30, ""])
def test_a_timeout_is_0_to_30_seconds(client: ApiClient, tester: Person, timeout: str) -> None:
    """400 for any other."""
    run = waiting_run([], requested_by=tester)

    answer = client.read(f"runs/{run.pk}/wait/", {"timeout": timeout})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")


def test_waiting_for_nothing_is_not_found(client: ApiClient) -> None:
    """404 at once."""
    assert client.read("runs/999999/wait/").status_code == 404
