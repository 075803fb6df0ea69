"""The table of every route by scope and role, made from the URL table: a route that is added without a line is found.

Columns: method, address, the scopes of which any opens it (- for none: public), the act that it does.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from console.kernel.api import throttles
from console.kernel.authority import AUTHORITY, TOKEN_SCOPES, Act, Role
from console.kernel.models import ApiToken, AuditEntry, Person
from console.kernel.scopes import Scope
from console.models import ReleaseRequest
from console.tests.api.routes import NOWHERE, Route, make_world, routes
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.releases.conftest import build, request_5a, runs, storage, team
from console.tests.releases.people import Team

__all__ = ["build", "request_5a", "runs", "storage", "team"]
pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)
UNDOCUMENTED = ("/metrics",)  # Prometheus' own format
MAY_BE_UNHEALTHY = ("/api/health", "/api/credits/health", "/api/v1/credits/health/")
SUITE = b'<testsuite name="s" tests="1"><testcase classname="c" name="one" time="0.1"/></testsuite>'
QUERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "/api/v1/phases/{code}/gate/": lambda world: {"commit": world["commit"]}
}

TABLE = """
GET  /api/credits/balance/{agent}                                     credits:read
GET  /api/credits/balances                                            credits:read
GET  /api/credits/history/{agent}                                     credits:read
GET  /api/credits/info                                                credits:read
GET  /api/credits/metrics                                             credits:read
GET  /api/credits/health                                              -
POST /api/credits/add                                                 credits:write   credits.move
POST /api/credits/agents                                              credits:write   credits.move
POST /api/credits/consume                                             credits:write   credits.move
POST /api/credits/refund                                              credits:write   credits.move
POST /api/credits/withdraw                                            credits:write   credits.move
GET  /api/health                                                      -
GET  /api/v1/                                                         -
GET  /api/v1/builds/{commit}/                                         phases:read
GET  /api/v1/client.py                                                -
GET  /api/v1/client.py.sha256                                         -
GET  /api/v1/credits/approvals/                                       credits:read
POST /api/v1/credits/approvals/                                       credits:write   ledger_approval.request
GET  /api/v1/credits/approvals/{request_name}/                        credits:read
GET  /api/v1/credits/balance/{agent}/                                 credits:read
GET  /api/v1/credits/balances/                                        credits:read
GET  /api/v1/credits/health/                                          -
GET  /api/v1/credits/history/{agent}/                                 credits:read
GET  /api/v1/credits/info/                                            credits:read
GET  /api/v1/credits/metrics/                                         credits:read
POST /api/v1/credits/add/                                             credits:write   credits.move
POST /api/v1/credits/agents/                                          credits:write   credits.move
POST /api/v1/credits/consume/                                         credits:write   credits.move
POST /api/v1/credits/refund/                                          credits:write   credits.move
POST /api/v1/credits/transfers/                                       credits:write   credits.move
POST /api/v1/credits/withdraw/                                        credits:write   credits.move
GET  /api/v1/events/                                                  credits:read
GET  /api/v1/evidence/{digest}/                                       evidence:read
POST /api/v1/imports/                                                 evidence:write  results.import
GET  /api/v1/phases/                                                  phases:read
GET  /api/v1/phases/{code}/                                           phases:read
GET  /api/v1/phases/{code}/badge.svg                                  -
GET  /api/v1/phases/{code}/gate/                                      phases:read
GET  /api/v1/phases/{code}/history/                                   phases:read
GET  /api/v1/problems/                                                -
GET  /api/v1/problems/{code}/                                         -
GET  /api/v1/releases/{request_id}/                                   phases:read
GET  /api/v1/releases/{request_id}/bundle/                            evidence:read
GET  /api/v1/releases/{request_id}/certificate/                       phases:read
GET  /api/v1/releases/{request_id}/manifest/                          phases:read
GET  /api/v1/runs/                                                    runs:read
POST /api/v1/runs/                                                    runs:write      run.request
GET  /api/v1/runs/{run_id}/                                           runs:read
POST /api/v1/runs/{run_id}/attempt-again/                             runs:write      execution.attempt_again
POST /api/v1/runs/{run_id}/cancel/                                    runs:write      run.cancel
POST /api/v1/runs/{run_id}/executions/{execution_id}/attempt-again/   runs:write      execution.attempt_again
POST /api/v1/runs/{run_id}/executions/{execution_id}/cancel/          runs:write      run.cancel
GET  /api/v1/runs/{run_id}/executions/{execution_id}/samples/         evidence:read
GET  /api/v1/runs/{run_id}/manifest/                                  evidence:read
GET  /api/v1/runs/{run_id}/report/                                    runs:read
POST /api/v1/runs/{run_id}/run-again/                                 runs:write      run.request
GET  /api/v1/runs/{run_id}/wait/                                      runs:read
GET  /api/v1/schema/                                                  -
GET  /api/v1/token/                                                   ANY
GET  /metrics                                                         -
"""


class Line(NamedTuple):
    """What the table says of a route, and what its address leads to: an act to nothing, so that nothing comes of it."""

    scopes: frozenset[Scope]
    act: Act | None
    values: dict[str, Any]


def lines(world: dict[str, Any]) -> dict[str, Line]:
    """The table by method and path."""
    found = {}
    for line in TABLE.strip().splitlines():
        method, path, scopes, *act = line.split()
        known = frozenset(Scope) if scopes == "ANY" else frozenset({Scope(scopes)} if scopes != "-" else ())
        values = dict(world)
        if act and "executions" not in path:
            values["run_id"] = NOWHERE
        if "problems" in path:
            values["code"] = "not-allowed"
        found[f"{method} {path}"] = Line(scopes=known, act=Act(act[0]) if act else None, values=values)
    return found


def table(world: dict[str, Any]) -> list[tuple[Route, Line]]:
    """Every route with its line."""
    known = lines(world)
    return [(route, known[str(route)]) for route in routes()]


@pytest.fixture
def world(team: Team, request_5a: ReleaseRequest) -> dict[str, Any]:
    """What addresses lead to."""
    return make_world(team, request_5a)


def ask(client: ApiClient, route: Route, values: dict[str, Any]) -> Any:
    """The whole answer of a route to the first body that the document shows; where it takes files, to a small suite."""
    answer = _sent(client, route, values)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def _sent(client: ApiClient, route: Route, values: dict[str, Any]) -> Any:
    path, headers = route.address(values), {"Idempotency-Key": f'"key-{next(_numbers)}"'}
    if route.method == "GET":
        return client.get(path, QUERIES[route.path](values) if route.path in QUERIES else None)
    if "multipart/form-data" in route.operation.get("requestBody", {}).get("content", {}):
        form = {"build": "elsewhere", "commit": "c" * 40, "junit": SimpleUploadedFile("junit.xml", SUITE)}
        return client.post(path, form, headers=headers)
    return client.post(path, json.dumps(route.examples[0]), content_type="application/json", headers=headers)


def test_every_route_stands_in_the_table_and_in_the_document() -> None:
    """With the scopes that its view names, and a view that names none is public on purpose."""
    table, found = lines({}), {str(route): route for route in routes()}

    assert sorted(found) == sorted(table)
    for name, route in found.items():
        if route.path in UNDOCUMENTED:
            continue
        secured = {Scope(scope) for one in route.operation.get("security", []) for scope in one["token"]}
        assert secured == table[name].scopes, name


def test_what_changes_anything_is_no_get_and_what_a_table_lets_tokens_do() -> None:
    """GET never changes state; no route does an act that takes a person."""
    for name, line in lines({}).items():
        assert (line.act is None) is name.startswith("GET"), name
        assert line.act is None or line.scopes == TOKEN_SCOPES[line.act], name


def test_every_scope_role_and_stranger_gets_exactly_what_the_table_says(world: dict[str, Any]) -> None:
    """One world for all of it: 403 or 401 where the table says so, and nowhere else; never a 500."""
    wrong = [
        *wrong_by_scope(world),
        *wrong_by_role(world),
        *wrong_without(world),
        *wrong_after_its_end(world),
        *dead_ends(world),
    ]

    assert wrong == []


def wrong_by_scope(world: dict[str, Any]) -> Iterator[str]:
    """By the token of a person with every role: 403 scope-missing exactly where no scope of the table is held."""
    person = person_with(*Role)
    for scope in Scope:
        client = api_client(person, scope)
        for route, line in table(world):
            answer = ask(client, route, line.values)
            is_refused = answer.status_code == 403 and answer.json()["code"] == "scope-missing"
            if is_refused is (not line.scopes or scope in line.scopes) or answer.status_code in (401, 500):
                yield f"{scope}: {route}: {answer.status_code}"


def wrong_by_role(world: dict[str, Any]) -> Iterator[str]:
    """By a token with every scope: everybody reads; an act takes its roles, and its refusal is on record."""
    refusals = AuditEntry.objects.filter(outcome="refused", code="not-allowed")
    for role in Role:
        client = api_client(person_with(role), *Scope)
        for route, line in table(world):
            before = refusals.count()
            answer = ask(client, route, line.values)
            is_allowed = line.act is None or role in AUTHORITY[line.act]
            if (answer.status_code == 403) is is_allowed or answer.status_code in (401, 500):
                yield f"{role}: {route}: {answer.status_code} {answer.content[:100]!r}"
            elif not is_allowed and refusals.count() != before + 1:
                yield f"{role}: {route}: the refusal is not on record"


def wrong_without(world: dict[str, Any]) -> Iterator[str]:
    """401 without a token, 403 for a person without any role, except where it is public."""
    for client, status in ((ApiClient(), 401), (api_client(person_with(), *Scope), 403)):
        for route, line in table(world):
            answer = ask(client, route, line.values)
            if (answer.status_code == status) is (not line.scopes) or answer.status_code == 500:
                yield f"{status}: {route}: {answer.status_code}"


def wrong_after_its_end(world: dict[str, Any]) -> Iterator[str]:
    """By a token with every scope that is over: 401 at every door but the public ones, before anything is done."""
    for end in ("expired", "revoked", "deactivated"):
        person, now = person_with(*Role), timezone.now()
        past = {"created_at": now - timedelta(days=2), "expires_at": now - timedelta(days=1)}
        client = api_client(person, *Scope, **(past if end == "expired" else {}))
        if end == "revoked":
            ApiToken.objects.filter(person=person).update(revoked_at=now, revoked_by=person)
        elif end == "deactivated":
            Person.objects.filter(pk=person.pk).update(is_active=False)
        for route, line in table(world):
            throttles.forget_everything()
            answer = ask(client, route, line.values)
            is_refused = answer.status_code == 401 and end in answer.json()["detail"]
            if is_refused is (not line.scopes) or answer.status_code == 500:
                yield f"{end}: {route}: {answer.status_code}"


def dead_ends(world: dict[str, Any]) -> Iterator[str]:
    """Routes that read and find nothing in this world: a table over answers of 404 would prove little."""
    client = api_client(person_with(*Role), *Scope)
    for route, line in table(world):
        if line.act is None and route.path not in MAY_BE_UNHEALTHY:
            answer = ask(client, route, line.values)
            if answer.status_code >= 400:
                yield f"{route}: {answer.status_code} {answer.content[:100]!r}"
