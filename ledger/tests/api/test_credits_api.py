"""Credits over HTTP: the routes of the original, exact amounts, one effect for each key, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel.authority import Act, Role, may
from console.kernel.models import ApiToken, AuditEntry, Person
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client, token_for
from console.tests.people import person_with
from ledger import Ledger
from ledger.tests.api.conftest import BOTH, CREDIT

pytestmark = pytest.mark.django_db
WHY = {"reason": "review of build 7"}


def person_of(client: ApiClient) -> Person:
    """The person behind the only token of a test."""
    return ApiToken.objects.get().person


def assert_refused(response: Any, status: int, code: str, pointer: str | None = None) -> None:
    """Assert the problem, and which field it points to."""
    told = response.json()
    assert (response.status_code, told["code"]) == (status, code), told
    assert response.headers["Content-Type"] == "application/problem+json"
    if pointer is not None:
        assert [one["pointer"] for one in told["errors"]] == [pointer]


def test_an_agent_lives_through_every_route_with_exact_amounts(engineer: ApiClient, ledger: Ledger) -> None:
    """Created, given, spent, refunded, withdrawn, paid; the balances are decimals as text."""
    ann = engineer.send("credits/agents/", {"agent_id": "ann", "skill_level": "0.8"})
    bob = engineer.send("credits/agents/", {"agent_id": "bob"})
    steps = [
        engineer.send("credits/add/", {"agent_id": "ann", "amount": "0.000001", **WHY}),
        engineer.send("credits/consume/", {"agent_id": "ann", "amount": 36, "mission_id": "m-9", **WHY}),
        engineer.send("credits/refund/", {"agent_id": "ann", "amount": "12.5", "mission_id": "m-9", **WHY}),
        engineer.send("credits/withdraw/", {"agent_id": "ann", "severity": "low", **WHY}),
        engineer.send("credits/withdraw/", {"agent_id": "ann", "amount": "1.250001", **WHY}),
    ]
    paid = engineer.send("credits/transfers/", {"payer_id": "ann", "payee_id": "bob", "amount": "100", **WHY})

    assert (ann.status_code, bob.status_code) == (201, 201)
    assert ann.json()["skill_level"] == "0.800000"
    assert [one.status_code for one in (*steps, paid)] == [200] * 6
    assert [one.json()["balance"] for one in (ann, *steps)] == [
        "136.000000",
        "136.000001",
        "100.000001",
        "112.500001",
        "101.250001",
        "100.000000",
    ]
    assert (paid.json()["payer_balance"], paid.json()["payee_balance"]) == ("0.000000", "215.000000")
    assert ledger.balance("bob") == 215 * CREDIT


def test_the_routes_of_the_original_answer_where_the_original_had_them(engineer: ApiClient, ann: str) -> None:
    """Below /api/credits/, without a slash at the end."""
    told = engineer.post(
        "/api/credits/consume",
        {"agent_id": ann, "amount": "1", **WHY},
        content_type="application/json",
        headers={"Idempotency-Key": "k-1"},
    )
    read = {
        name: engineer.get(f"/api/credits/{name}")
        for name in ("health", "info", "metrics", "balances", f"balance/{ann}", f"history/{ann}?limit=10")
    }

    assert told.json()["balance"] == "99.000000"
    assert {name: answer.status_code for name, answer in read.items()} == dict.fromkeys(read, 200)
    assert read[f"balance/{ann}"].json()["balance"] == "99.000000"
    assert read["metrics"].json()["balances_sum"] == "0.000000"
    assert read["metrics"].json()["balances"]["agents"] == "99.000000"
    assert read["info"].json()["initial_credits"] == {"0": "80.000000", "0.5": "115.000000", "1": "150.000000"}


def test_the_journal_names_the_token_and_the_person_behind_it(engineer: ApiClient, ann: str, ledger: Ledger) -> None:
    """And the mission as what belongs together."""
    engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", "mission_id": "m-9", **WHY})

    event = list(ledger.events())[-1]
    token = ApiToken.objects.get()
    assert event.actor == f"token:{token.pk}:user:{token.person_id}"
    assert (event.correlation, event.data["mission"]) == ("mission:m-9", "m-9")


def test_whoever_names_an_actor_in_the_body_is_refused(engineer: ApiClient, ann: str, ledger: Ledger) -> None:
    """The original believed it."""
    head = ledger.head.seq

    answer = engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", "actor_id": "admin", **WHY})

    assert_refused(answer, 400, "invalid-input", "/actor_id")
    assert "person behind the token" in answer.json()["errors"][0]["detail"]
    assert ledger.head.seq == head


def test_a_repeated_order_is_carried_out_once_and_answered_alike(engineer: ApiClient, ann: str, ledger: Ledger) -> None:
    """By either route and with another token of the same person; marked, and without a second event."""
    order = {"agent_id": ann, "amount": "30", **WHY}
    first = engineer.send("credits/consume/", order, key="k-1")
    head = ledger.head.seq
    other = ApiClient(token_for(person_of(engineer), *BOTH))

    again = [engineer.send("credits/consume/", order, key="k-1"), other.send("credits/consume/", order, key="k-1")]

    assert [one.json() for one in again] == [first.json()] * 2
    assert "Idempotency-Replayed" not in first.headers
    assert {one.headers["Idempotency-Replayed"] for one in again} == {"true"}
    assert (ledger.head.seq, ledger.balance(ann)) == (head, 70 * CREDIT)


def test_another_order_under_a_used_key_is_refused(engineer: ApiClient, ann: str) -> None:
    """With the code of every other POST of the API."""
    engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY}, key="k-1")

    answer = engineer.send("credits/refund/", {"agent_id": ann, "amount": "1", **WHY}, key="k-1")

    assert_refused(answer, 422, "idempotency-key-reused")


def test_the_same_key_of_two_people_is_two_orders(engineer: ApiClient, ann: str, ledger: Ledger) -> None:
    """Nobody can take away or guess another one's keys."""
    other = api_client(person_with(Role.TESTER), *BOTH)
    order = {"agent_id": ann, "amount": "10", **WHY}

    engineer.send("credits/consume/", order, key="k-1")
    other.send("credits/consume/", order, key="k-1")

    assert ledger.balance(ann) == 80 * CREDIT


def test_a_refusal_is_not_remembered_under_its_key(engineer: ApiClient, ann: str) -> None:
    """Once there are credits the same request goes through; neither the journal nor a row knew of the refusal."""
    order = {"agent_id": ann, "amount": "150", **WHY}
    entries = AuditEntry.objects.count()
    short = engineer.send("credits/consume/", order, key="k-1")
    engineer.send("credits/add/", {"agent_id": ann, "amount": "50", **WHY})

    later = engineer.send("credits/consume/", order, key="k-1")

    assert_refused(short, 409, "insufficient-credits")
    assert "has 100.000000 credits, 150.000000 were asked for" in short.json()["detail"]
    assert later.json()["balance"] == "0.000000"
    assert AuditEntry.objects.count() == entries


def test_an_order_without_a_key_is_refused(engineer: ApiClient, ann: str, ledger: Ledger) -> None:
    """A retry could not be told from a second order."""
    head = ledger.head.seq

    answer = engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY}, key=None)

    assert_refused(answer, 400, "idempotency-key-missing")
    assert ledger.head.seq == head


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"amount": 0.1}, 422, "invalid-amount", "/amount"),
        ({"amount": "0"}, 422, "invalid-amount", "/amount"),
        ({"amount": -5}, 422, "invalid-amount", "/amount"),
        ({"amount": "1e3"}, 422, "invalid-amount", "/amount"),
        ({"amount": "0.0000001"}, 422, "invalid-amount", "/amount"),
        ({"amount": "NaN"}, 422, "invalid-amount", "/amount"),
        ({"amount": "Infinity"}, 422, "invalid-amount", "/amount"),
        ({"amount": True}, 422, "invalid-amount", "/amount"),
        ({"amount": None}, 400, "invalid-input", "/amount"),
        ({"amount": "9007199255"}, 422, "amount-too-large", "/amount"),
        ({"amount": 2**63 - 1}, 422, "amount-too-large", "/amount"),
        ({"agent_id": "nobody"}, 404, "unknown-agent", None),
        ({"agent_id": 7}, 400, "invalid-input", "/agent_id"),
        ({"agent_id": " ann"}, 422, "invalid-identifier", "/agent_id"),
        ({"agent_id": "a\u0301nn"}, 422, "invalid-identifier", "/agent_id"),
        ({"agent_id": "x" * 200}, 422, "invalid-identifier", "/agent_id"),
        ({"mission_id": ""}, 422, "invalid-identifier", "/mission_id"),
        ({"reason": "  "}, 422, "invalid-text", "/reason"),
        ({"reason": "x" * 2001}, 422, "invalid-text", "/reason"),
        ({"reason": ["because"]}, 400, "invalid-input", "/reason"),
        ({"reason": "a\x00b"}, 422, "invalid-text", "/reason"),
        ({"balance": "5"}, 400, "invalid-input", "/balance"),
        ({"key": "k"}, 400, "invalid-input", "/key"),
        ({"amount_micros": 5}, 400, "invalid-input", "/amount_micros"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_leaves_nothing(
    engineer: ApiClient, ann: str, ledger: Ledger, change: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    """Neither an event nor a changed balance."""
    head = ledger.head.seq

    answer = engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY} | change)

    assert_refused(answer, status, code, pointer)
    assert ledger.head.seq == head


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(True, "true"), ([], "[]"), (["1"], '["1"]'), (-5, "-5"), ("9007199255", "9007199254.740991 credits")],
)
def test_a_refused_amount_is_quoted_as_it_was_sent(engineer: ApiClient, ann: str, amount: Any, shown: str) -> None:
    """In credits and as JSON writes it: nothing tells what the ledger counts in, or is written in."""
    answer = engineer.send("credits/consume/", {"agent_id": ann, "amount": amount, **WHY})

    assert answer.status_code == 422
    assert shown in answer.json()["detail"]
    assert "micro" not in answer.json()["detail"]


@pytest.mark.parametrize("body", [b'{"amount": NaN}', b'{"a": 1, "a": 2}', b"[]", b'{"amount": 1e400}', b"\xff", b""])
def test_a_body_that_can_be_read_in_two_ways_is_refused(engineer: ApiClient, body: bytes) -> None:
    """Before the ledger hears of it."""
    answer = engineer.post(
        "/api/credits/consume", body, content_type="application/json", headers={"Idempotency-Key": "k"}
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("route", "body", "status", "code"),
    [
        ("agents", {"agent_id": "ann"}, 409, "agent-exists"),
        ("agents", {"agent_id": "new", "skill_level": "1.1"}, 422, "invalid-skill"),
        ("agents", {"agent_id": "new", "skill_level": "-0.1"}, 422, "invalid-skill"),
        ("agents", {"agent_id": "new", "skill_level": 0.8}, 400, "invalid-input"),
        ("withdraw", {"agent_id": "ann", "amount": "1", "reason": "short"}, 422, "reason-too-short"),
        ("withdraw", {"agent_id": "ann", "reason": "no amount given"}, 422, "invalid-choice"),
        ("withdraw", {"agent_id": "ann", "amount": "1", "severity": "low", **WHY}, 422, "invalid-choice"),
        ("withdraw", {"agent_id": "ann", "severity": "total", **WHY}, 422, "invalid-choice"),
        ("transfers", {"payer_id": "ann", "payee_id": "ann", "amount": "1", **WHY}, 422, "same-account"),
        ("transfers", {"payer_id": "ann", "payee_id": "bob", "amount": "1", **WHY}, 404, "unknown-agent"),
    ],
)
def test_every_refusal_of_the_ledger_is_a_problem_of_the_right_kind(
    engineer: ApiClient, ann: str, route: str, body: dict[str, Any], status: int, code: str
) -> None:
    """A business error is never a fault of the server."""
    assert_refused(engineer.send(f"credits/{route}/", body), status, code)


@pytest.mark.parametrize(
    ("route", "body", "reason"),
    [
        ("agents", {"agent_id": "new", "skill_level": "0.1234567"}, "at most six decimals"),
        ("agents", {"agent_id": "new", "skill_level": "1e0"}, "a plain decimal number"),
        ("consume", {"agent_id": "ann", "amount": 0.1, **WHY}, "as text, such as “12.5”"),
    ],
)
def test_the_reason_of_a_refusal_is_true_of_what_was_sent(
    engineer: ApiClient, ann: str, route: str, body: dict[str, Any], reason: str
) -> None:
    """A seventh decimal does lie between 0 and 1, and 0.1 is a decimal: neither is what is wrong with them."""
    answer = engineer.send(f"credits/{route}/", body)

    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_a_person_without_the_role_moves_nothing_and_that_is_on_record(ann: str, ledger: Ledger) -> None:
    """Whatever the token's scopes; the audit chain has one entry of the refusal."""
    head = ledger.head.seq
    for role in Role:
        if not may(act=Act.MOVE_CREDITS, roles={role}):
            client = api_client(person_with(role), *BOTH)
            assert_refused(client.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY}), 403, "not-allowed")

    assert ledger.head.seq == head
    assert AuditEntry.objects.filter(act="credits.move", outcome="refused", code="not-allowed").count() == 4


def test_a_token_without_the_scope_moves_nothing(ann: str, ledger: Ledger) -> None:
    """Whatever the person's roles."""
    reading = api_client(person_with(Role.ENGINEER), Scope.CREDITS_READ, Scope.RUNS_WRITE, Scope.EVIDENCE_WRITE)
    writing = api_client(person_with(Role.ENGINEER), Scope.CREDITS_WRITE)
    head = ledger.head.seq

    assert_refused(reading.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY}), 403, "scope-missing")
    assert_refused(writing.read(f"credits/balance/{ann}/"), 403, "scope-missing")
    assert_refused(Client().get(f"/api/credits/balance/{ann}"), 401, "authentication-required")
    assert ledger.head.seq == head


def test_an_order_writes_no_row_and_reads_none_but_the_token(engineer: ApiClient, ann: str) -> None:
    """The journal is the record; after the first request even the roles are known."""
    engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY})

    with CaptureQueriesContext(
        connection,
    ) as queries:
        engineer.send("credits/consume/", {"agent_id": ann, "amount": "1", **WHY})

    assert [one["sql"] for one in queries if not one["sql"].startswith("SELECT")] == []
    assert [one["sql"] for one in queries if "kernel_rolegrant" in one["sql"]] == []


def test_a_history_goes_back_by_pages(engineer: ApiClient, ann: str) -> None:
    """Newest first, with what moved, why, by whom, and the balance after it; `next` leads to the rest."""
    for amount in (1, 2, 3):
        engineer.send("credits/consume/", {"agent_id": ann, "amount": amount, **WHY})

    first = engineer.read(f"credits/history/{ann}/", {"limit": 3}).json()
    rest = engineer.get(first["next"]).json()

    assert [(one["change"], one["balance"]) for one in first["results"]] == [
        ("-3.000000", "94.000000"),
        ("-2.000000", "97.000000"),
        ("-1.000000", "99.000000"),
    ]
    assert first["balance"] == "94.000000"
    assert [one["change"] for one in rest["results"]] == ["100.000000"]
    assert "next" not in rest
    assert first["results"][0]["reason"] == WHY["reason"]


def test_the_balances_of_many_agents_come_by_pages(engineer: ApiClient, ann: str) -> None:
    """In the order of their creation."""
    for number in range(4):
        engineer.send("credits/agents/", {"agent_id": f"a/{number} ü"})

    first = engineer.read("credits/balances/", {"limit": 3}).json()
    rest = engineer.get(first["next"]).json()
    one = engineer.read("credits/balance/a%2F3%20%C3%BC/").json()

    names = [line["agent_id"] for line in (*first["results"], *rest["results"])]
    assert names == ["ann", "a/0 ü", "a/1 ü", "a/2 ü", "a/3 ü"]
    assert (one["agent_id"], one["balance"]) == ("a/3 ü", "115.000000")


@pytest.mark.parametrize("name", ["nobody", "system:issuance", "agent:ann", "../ann", "%00", "%ff"])
def test_a_balance_of_nobody_is_not_found(engineer: ApiClient, ann: str, name: str) -> None:
    """Neither system accounts nor other spellings of an agent."""
    assert_refused(engineer.get(f"/api/credits/balance/{name}"), 404, "unknown-agent")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=-1", "cursor=1e3", "limit=1&limit=2"])
def test_an_impossible_page_is_refused(engineer: ApiClient, ann: str, query: str) -> None:
    """With the parameter's name."""
    assert_refused(engineer.get(f"/api/credits/history/{ann}?{query}"), 400, "invalid-parameter")


def test_an_unknown_parameter_is_refused(engineer: ApiClient, ann: str) -> None:
    """Rather than left out."""
    assert_refused(engineer.get(f"/api/credits/history/{ann}?page=2"), 400, "unknown-parameter")
