"""Following the journal over HTTP: every durable event once, from a cursor on, or as soon as it comes."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client

from console.kernel.api import waiters
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.waiting import wait_until
from ledger import Ledger, commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.tests.api.conftest import BOTH, CREDIT

pytestmark = pytest.mark.django_db


def consume(ledger: Ledger, number: int, *, mission: str | None = None) -> None:
    """Let ann spend one credit."""
    order = commands.Consume(agent="ann", amount_micros=CREDIT, reason="work", mission=mission)
    subject = f"mission:{mission}" if mission else "agent:ann"
    ledger.execute(order, key=f"k-{number}", actor="user:1", correlation=subject)


def follow(client: ApiClient, **query: Any) -> list[dict[str, Any]]:
    """Every event there is, page by page."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = client.read("events/", {"after": after, **query}).json()
        found += page["events"]
        after = page["next_after"]
        if after == page["head"]:
            return found


def test_a_follower_meets_every_event_once_across_a_restart(engineer: ApiClient, ann: str) -> None:
    """The cursor is all it keeps; what was recorded while nobody asked is there too."""
    for number in range(3):
        consume(live_ledger(), number)
    first = engineer.read("events/", {"limit": 4}).json()
    close_live_ledger()
    for number in range(3, 6):
        consume(live_ledger(), number)

    second = engineer.read("events/", {"after": first["next_after"]}).json()

    seqs = [event["seq"] for event in (*first["events"], *second["events"])]
    assert seqs == list(range(1, live_ledger().head.seq + 1))
    assert first["journal"] == second["journal"] == live_ledger().status.journal_id
    assert second["next_after"] == second["head"]


def test_an_event_is_told_as_it_is_recorded_without_its_key(engineer: ApiClient, ann: str) -> None:
    """Chain hash and all; the idempotency keys of others stay with them."""
    told = follow(engineer, type="agent.created")[0]

    recorded = next(live_ledger().events(types=["agent.created"]))
    assert told == {
        "seq": recorded.seq,
        "time": recorded.time,
        "stream": "agent:ann",
        "version": 1,
        "type": "agent.created",
        "schema": 1,
        "actor": "run:1:set-up",
        "correlation": "agent:ann",
        "data": {"agent": "ann", "skill_ppm": 500_000},
        "hash": recorded.hash,
    }


def test_filters_leave_out_what_is_not_wanted_and_the_cursor_goes_on(engineer: ApiClient, ann: str) -> None:
    """By type, family, stream and correlation."""
    for number in range(4):
        consume(live_ledger(), number, mission="m-9" if number % 2 else None)

    def types(**query: Any) -> list[str]:
        return [event["type"] for event in follow(engineer, limit=1, **query)]

    assert types(type="credit.*") == ["credit.allocated"] + ["credit.consumed"] * 4
    assert types(type="credit.consumed", correlation="mission:m-9") == ["credit.consumed"] * 2
    assert types(stream="agent:nobody") == []
    assert types(stream="agent:ann", type="agent.created") == ["agent.created"]


def test_whoever_waits_gets_the_next_event_as_soon_as_it_is_durable(engineer: ApiClient, ann: str) -> None:
    """And nobody else's: the wait ends with the first that matches."""
    ledger = live_ledger()
    head = ledger.head.seq

    def record() -> None:
        wait_until(lambda: waiters._slots._value < waiters.PLACES, timeout_seconds=15, what="the wait")
        consume(ledger, 1)
        consume(ledger, 2, mission="m-9")

    recording = threading.Thread(target=record)
    recording.start()
    query = {"after": head, "wait": 20, "type": "credit.consumed", "correlation": "mission:m-9"}
    page = engineer.read("events/", query).json()
    recording.join()

    assert [event["seq"] for event in page["events"]] == [head + 2]
    assert page["next_after"] == head + 2


def test_a_wait_without_an_event_ends_with_an_empty_page_and_its_cursor(engineer: ApiClient, ann: str) -> None:
    """So that the client asks again from there."""
    head = live_ledger().head.seq

    page = engineer.read("events/", {"after": head, "wait": 1}).json()

    assert (page["events"], page["next_after"]) == ([], head)


def test_more_waiters_than_there_are_places_are_sent_away_at_once(engineer: ApiClient, ann: str) -> None:
    """With the time after which to come again; who does not wait is served."""
    head = live_ledger().head.seq
    with ExitStack() as taken:
        for _ in range(waiters.PLACES):
            taken.enter_context(waiters.slot())
        refused = engineer.read("events/", {"after": head, "wait": 20})
        served = engineer.read("events/", {"after": head})

    assert (refused.status_code, refused.json()["code"]) == (503, "too-many-waiters")
    assert int(refused.headers["Retry-After"]) > 0
    assert served.status_code == 200


def test_a_cursor_of_another_journal_is_refused(engineer: ApiClient, ann: str) -> None:
    """Rather than waiting for events that this one numbers otherwise."""
    answer = engineer.read("events/", {"after": live_ledger().head.seq + 1, "wait": 20})

    assert (answer.status_code, answer.json()["code"]) == (409, "unknown-seq")


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=9223372036854775808",
        "limit=0",
        "limit=1001",
        "wait=31",
        "wait=-1",
        "type=credit",
        "type=*",
        "type=credit.*.x",
        "type=Credit.Consumed",
        "stream=",
        "stream=" + "x" * 201,
        "correlation=",
        "after=1&after=2",
    ],
)
def test_an_impossible_question_is_refused_with_the_parameter(engineer: ApiClient, ann: str, query: str) -> None:
    """Neither guessed at nor left out."""
    answer = engineer.get(f"/api/v1/events/?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("stream", ["a\x00b", "\u202e", '","x', "🙂", "%s' OR 1=1"])
def test_a_hostile_filter_finds_nothing(engineer: ApiClient, ann: str, stream: str) -> None:
    """It is compared, never interpreted."""
    assert follow(engineer, stream=stream) == []


def test_following_takes_the_scope(ann: str) -> None:
    """Reading runs is not reading credits."""
    client = api_client(person_with(Role.ENGINEER), Scope.RUNS_READ, Scope.CREDITS_WRITE)

    assert client.read("events/").json()["code"] == "scope-missing"
    assert Client().get("/api/v1/events/").status_code == 401
    assert api_client(person_with(Role.AUDITOR), *BOTH).read("events/").status_code == 200
