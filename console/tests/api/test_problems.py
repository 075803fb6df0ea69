"""Every refusal is a problem with a documented type; nothing tells of the program's inside."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from console.kernel.api import problems
from console.kernel.api.problems import TYPE_BASE, status_of, types
from console.kernel.authority import Role
from console.kernel.refusals import refusals
from console.kernel.scopes import Scope
from console.tests.api.test_authentication import assert_problem
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.source_files import python_files, text_of, tree_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("console.tests.api.frame_urls")]


@pytest.fixture
def client() -> ApiClient:
    """A tester with every scope, to whom the server's faults are answers."""
    client = api_client(person_with(Role.TESTER), *Scope)
    client.raise_request_exception = False
    return client


def send(client: Client, body: bytes, content_type: str = "application/json") -> Any:
    """POST bytes to the notes."""
    return client.post("/api/v1/notes/", body, content_type=content_type, headers={"Idempotency-Key": '"k"'})


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing/", "/api/v1/token", "/api/v2/", "/api/v1/problems/odd/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_nobody_knows(client: ApiClient, path: str, method: str) -> None:
    """Without a redirect, which would turn a POST into a GET, and without asking for a form's token."""
    strict = Client(enforce_csrf_checks=True)

    answered = strict.generic(method, path)

    is_known = path.startswith("/api/v1/problems/") and method != "GET"
    assert_problem(answered, 405 if is_known else 404, "method-not-allowed" if is_known else "not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_the_address_does_not_answer_to(client: ApiClient, method: str) -> None:
    """Allow names those it does."""
    refused = client.generic(method, "/api/v1/notes/")

    assert_problem(refused, 405, "method-not-allowed")
    assert refused.headers["Allow"] == "GET, HEAD, POST"


def test_a_body_that_is_too_large(client: ApiClient) -> None:
    """Refused before it is parsed, also when it is sent to an address that reads none."""
    assert_problem(send(client, b" " * 1001), 413, "body-too-large")
    assert_problem(client.generic("GET", "/api/v1/token/", b"x" * (2**20 + 1)), 413, "body-too-large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/b/c"]
)
def test_a_body_of_another_content_type(client: ApiClient, content_type: str) -> None:
    """JSON is read and nothing else."""
    assert_problem(send(client, b"text=x", content_type), 415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_charset_or_another_case_does_not_matter(client: ApiClient, content_type: str) -> None:
    """JSON is UTF-8 whatever the header adds."""
    assert send(client, b'{"text": "x"}', content_type).status_code == 201


def test_whatever_the_client_accepts_it_gets_json(client: ApiClient) -> None:
    """A problem that can be read beats a 406 without one."""
    answered = client.get("/api/v1/token/", headers={"Accept": "text/html"})

    assert answered.headers["Content-Type"] == "application/json"


def test_a_refusal_of_an_action_is_its_problem(client: ApiClient) -> None:
    """With the code of the refusal and its sentence, in the reader's language."""
    told = assert_problem(client.read("faults/state/"), 409, "wrong-state")
    german = client.read("faults/state/", headers={"Accept-Language": "de"}).json()

    assert told["detail"] == "run 3 is cancelled: this cannot be done now."
    assert told["title"] == german["title"] == "Wrong state"
    assert german["detail"] != told["detail"]


@pytest.mark.parametrize("fault", ["bug", "damaged"])
def test_a_fault_of_the_program_tells_nothing_of_itself(client: ApiClient, fault: str) -> None:
    """No message, no trace, no settings."""
    answered = client.read(f"faults/{fault}/")

    assert_problem(answered, 500, "internal-error")
    assert "secret" not in answered.content.decode()


def test_what_ends_by_itself_says_when_to_come_again(client: ApiClient) -> None:
    """A database that was locked for too long is no fault of the program."""
    locked, later = client.read("faults/locked/"), client.read("faults/later/")

    assert_problem(locked, 503, "database-busy")
    assert (locked.headers["Retry-After"], later.headers["Retry-After"]) == ("1", "7")


def test_a_field_that_does_not_exist_is_refused_with_its_place(client: ApiClient) -> None:
    """Mass assignment has nothing to assign: every field is named by the view."""
    told = assert_problem(send(client, b'{"text": "x", "is_superuser": true, "a/b~c": 1}'), 400, "invalid-input")

    assert {one["pointer"] for one in told["errors"]} == {"/is_superuser", "/a~1b~0c"}


def test_unknown_fields_and_wrong_values_are_named_together(client: ApiClient) -> None:
    """Whoever corrects a body corrects it once."""
    told = assert_problem(send(client, b'{"tags": ["too long"], "is_superuser": true}'), 400, "invalid-input")

    assert {one["pointer"] for one in told["errors"]} == {"/is_superuser", "/text", "/tags/0"}


def test_every_wrong_field_is_named_at_once(client: ApiClient) -> None:
    """Down to the item of a list."""
    told = assert_problem(send(client, b'{"text": null, "tags": ["ok", "too long"]}'), 400, "invalid-input")

    assert {one["pointer"] for one in told["errors"]} == {"/text", "/tags/1"}


def test_a_query_that_the_address_does_not_know_is_refused(client: ApiClient) -> None:
    """A mistyped filter must not look like an empty answer."""
    told = assert_problem(client.read("token/", {"personn": "x"}), 400, "unknown-parameter")

    assert told["errors"][0]["parameter"] == "personn"


def test_every_type_is_documented_where_it_leads(client: ApiClient) -> None:
    """Status, title and a sentence, for refusals of every app."""
    listed = client.read("problems/").json()["results"]

    assert {"not-allowed", "malformed-json", "insufficient-credits", "draft-reason-too-short"} <= {
        one["code"] for one in listed
    }
    for one in listed:
        assert one["about"].strip(), one
        assert 400 <= one["status"] <= 599, one
        assert one["type"] == f"{TYPE_BASE}{one['code']}/"
    assert client.get(listed[0]["type"]).json() == listed[0]


def test_a_code_belongs_to_one_refusal_of_the_whole_product() -> None:
    """Whoever reads a code can tell what happened, whichever app it came from."""
    counted = Counter(refusal.code for refusal in set(refusals()) if ".tests." not in refusal.__module__)
    shared = {code for code, count in counted.items() if count > 1}

    assert len(counted) > 80
    assert not {code for code in shared if len({one.__name__ for one in refusals() if one.code == code}) > 1}


def test_every_refusal_has_a_code_of_its_own() -> None:
    """A class without one would speak with its parent's."""
    without = [one for one in refusals() if "code" not in vars(one) and ".tests." not in one.__module__]

    assert without == []


def literal_problems() -> list[tuple[str, int | None]]:
    """Code and status of every Problem that the product raises."""
    found: list[tuple[str, int | None]] = []
    for path in python_files(tests=False):
        for call in ast.walk(tree_of(path)) if "Problem(" in text_of(path) else ():
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "Problem" and call.args:
                code, status = call.args[0], call.args[1] if len(call.args) > 1 else None
                if isinstance(code, ast.Constant):
                    is_number = isinstance(status, ast.Constant) and isinstance(status.value, int)
                    found.append((code.value, status.value if is_number else None))  # type: ignore[arg-type, union-attr]
    return found


def test_every_problem_that_is_raised_is_documented_with_its_status() -> None:
    """Also those that no test provokes."""
    import console.urls  # noqa: F401 - every app has registered its problems

    raised, known = literal_problems(), types()

    assert len(raised) > 15
    assert {code for code, _status in raised} - set(known) == set()
    assert [(code, status) for code, status in raised if status not in (None, status_of(code))] == []


def test_a_code_that_is_registered_with_two_statuses_stops_the_import() -> None:
    """Two apps cannot disagree."""
    with pytest.raises(ValueError, match="not-allowed"):
        problems.register({"not-allowed": 409})
