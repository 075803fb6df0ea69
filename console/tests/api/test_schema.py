"""The OpenAPI document: its examples work, and whatever is sent, the answer is documented and no fault of the program.

Each operation is sent a few generated requests, right and wrong ones, with tokens of every single scope, of all scopes
and without one. The long form sends many: `make schema CASES=200`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # comes with schemathesis, without types
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from console.api.about import openapi_document
from console.kernel.api import throttles
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.models import ReleaseRequest
from console.tests.api.routes import Route, make_world, routes
from console.tests.api_client import api_client, token_for
from console.tests.people import person_with
from console.tests.releases.conftest import build, request_5a, runs, storage, team
from console.tests.releases.people import Team

__all__ = ["build", "request_5a", "runs", "storage", "team"]
pytestmark = pytest.mark.django_db
CASES = int(os.environ.get("SCHEMA_CASES", "2"))  # of each kind, for each operation
CHECKED = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
WAITS = {"wait": "0", "timeout": "0"}  # nothing happens in this world that would end a wait
load_all_checks()


@pytest.fixture
def world(team: Team, request_5a: ReleaseRequest) -> dict[str, Any]:
    """What addresses lead to."""
    return make_world(team, request_5a)


@pytest.fixture(autouse=True)
def _requests_leave_the_connection_open() -> Iterator[None]:
    """They are in the transaction of the test; Django's own client sees to that by itself."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    """Every operation of the document, called in this process."""
    schema = schemathesis.openapi.from_dict(openapi_document())
    schema.app = get_wsgi_application()
    return [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]  # an Err fails here


def probe(operation: APIOperation[Any, Any, Any, Any], tokens: list[str], world: dict[str, Any]) -> Counter[int]:
    """Send right and wrong requests, and right ones about what exists; the statuses. Raises what is wrong."""
    known, seen = {name: value for name, value in world.items() if "{" + name + "}" in operation.path}, Counter[int]()
    _send(operation.as_strategy(GenerationMode.POSITIVE), tokens, seen)
    if known:
        _send(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known), tokens, seen)
    with suppress(Unsatisfiable):  # without parameters nothing can be asked wrongly
        _send(operation.as_strategy(GenerationMode.NEGATIVE), tokens, seen)
    return seen


def _send(strategy: Any, tokens: list[str], seen: Counter[int]) -> None:
    @seed(1)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, token=st.sampled_from(tokens))
    def send(case: Any, token: str) -> None:
        throttles.forget_everything()
        for name in WAITS.keys() & (case.query or {}).keys():
            case.query[name] = WAITS[name]
        response = case.call(headers={"Authorization": f"Bearer {token}"} if token else {})
        seen[response.status_code] += 1
        assert response.status_code != 500, response.text[:2000]
        case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])

    send()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of the library, when it makes a large form
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_whatever_is_sent_the_answer_is_documented_and_no_fault(world: dict[str, Any]) -> None:
    """With every scope and with none; what was answered shows that doors were opened and closed."""
    person, wrong, seen = person_with(*Role), [], Counter[int]()
    every = token_for(person, *Scope)
    tokens = [every, every, "", *(token_for(person, scope) for scope in Scope)]
    for operation in operations():
        try:
            seen += probe(operation, tokens, world)
        except (Exception, FailureGroup) as found:  # noqa: BLE001 - everything that is found is told at once
            wrong.append(f"{operation.label}: {str(found)[:1500]}")

    assert wrong == [], "\n\n".join(wrong)
    assert {200, 400, 401, 403, 404} <= set(seen), seen


def test_every_example_in_the_document_works(team: Team, request_5a: ReleaseRequest) -> None:
    """Sent as it stands, it is done; the answer has the shape that the document says."""
    world = make_world(team, request_5a, agents=("a-18",), approvals=())
    client, wrong = api_client(person_with(*Role), *Scope), []
    shown = [route for route in routes() if route.path in openapi_document()["paths"] and "examples" in _body(route)]
    for route in sorted(shown, key=lambda route: "agents" not in route.path):
        for number, example in enumerate(route.examples):
            # A credit order has two addresses; its example is one order, which the second answers like the first.
            headers = {"Idempotency-Key": f'"{route.view.__name__}-{number}"'}
            answer = client.post(route.address(world), example, content_type="application/json", headers=headers)
            told = _mismatch(route, answer)
            wrong += [f"{route} {number}: {answer.status_code} {told} {answer.content[:300]!r}"] if told else []

    assert len(shown) >= 10
    assert wrong == []


def _body(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = route.operation.get("requestBody", {}).get("content", {})
    return dict(content.get("application/json", {}))


def _mismatch(route: Route, answer: Any) -> str:
    """What is wrong with an answer to an example; empty when it is 2xx and as documented."""
    if not 200 <= answer.status_code < 300:
        return "is no success"
    documented = route.operation["responses"].get(str(answer.status_code))
    if documented is None:
        return "is not documented"
    schema = next(iter(documented["content"].values()))["schema"] | {"components": openapi_document()["components"]}
    return "; ".join(one.message for one in jsonschema.Draft202012Validator(schema).iter_errors(answer.json()))


def test_every_operation_is_described() -> None:
    """A summary, a description, and answers besides problems; one name each; OpenAPI 3.1."""
    document = openapi_document()
    found = [one for path in document["paths"].values() for one in path.values()]

    assert document["openapi"].startswith("3.1.")
    assert len({one["operationId"] for one in found}) == len(found) >= 55
    for one in found:
        assert one.get("summary"), one["operationId"]
        assert one.get("description"), one["operationId"]
        assert any(status[0] in "23" for status in one["responses"]), one["operationId"]


def test_the_document_is_made_without_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    """What the generator cannot resolve it only warns of, and leaves out."""
    openapi_document.cache_clear()

    openapi_document()

    assert capsys.readouterr().err == ""
