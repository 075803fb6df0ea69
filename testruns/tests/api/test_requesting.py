"""Requesting runs: the defaults of the form, refusals that point at their field, and one run per key."""

from __future__ import annotations

from typing import Any

import pytest

from console.kernel.authority import Role
from console.kernel.models import Person
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from testruns.actions import plan_of
from testruns.models import Run, ScenarioExecution
from testruns.plan import RunPlan

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def test_a_run_is_accepted_and_says_where_it_is_and_why_it_waits(client: ApiClient, tester: Person) -> None:
    """202 with Location, state, place in the line and the reason; the person behind the token requested it."""
    answer = client.send("runs/", {"profile": "smoke"})

    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"http://testserver/api/v1/runs/{run.pk}/"
    document = answer.json()
    assert (document["run"], document["state"], document["requested_by"]) == (run.pk, "QUEUED", tester.username)
    assert document["waiting"]["position"] == 1
    assert document["waiting"]["reason"]
    reasons = [one["waiting"]["reason"] for one in document["executions"]]
    assert reasons[0].startswith("It is next")
    assert set(reasons[1:]) == {f"Other scenarios come first; the next is credit_storm of run {run.pk}."}
    assert (run.requested_by, run.via, run.executions.count()) == (tester, "api", 7)
    assert "recommendation" not in document


def test_what_is_left_out_has_the_defaults_of_the_form(client: ApiClient) -> None:
    """An empty body asks for the quick run."""
    client.send("runs/", {})

    assert plan_of(Run.objects.get()) == RunPlan.of_profile(profile="quick", soak_seconds=1800)


def test_a_run_of_another_build_than_named_is_refused_before_it_exists(client: ApiClient) -> None:
    """409 that names it, and nothing is queued."""
    refused = client.send("runs/", {"commit": "a" * 40}, key=KEY)

    assert (refused.status_code, refused.json()["code"]) == (409, "other-build")
    assert "a" * 40 in refused.json()["detail"]
    assert not Run.objects.exists()
    assert not ScenarioExecution.objects.exists()


def test_own_values_are_kept(client: ApiClient) -> None:
    """Every value of the form can be sent; one level of concurrency may be a number."""
    values = {
        "profile": "own",
        "duration_seconds": 7,
        "scenarios": ["load_reality", "credit_storm"],
        "concurrency": 20,
        "seed": 4_294_967_295,
        "retry_injection": False,
        "karma_available": True,
        "anomaly_injection": False,
    }

    document = client.send("runs/", values).json()

    assert {name: document[name] for name in values} == values | {"concurrency": [20]}
    assert [one["scenario"] for one in document["executions"]] == ["credit_storm", "load_reality"]


@pytest.mark.parametrize(
    ("body", "code", "pointers"),
    [
        ({"profile": "quik"}, "invalid-input", ["/profile"]),
        ({"scenarios": []}, "invalid-input", ["/scenarios"]),
        ({"scenarios": ["credit_storm", "credit_strom"]}, "invalid-input", ["/scenarios/1"]),
        ({"concurrency": [50, 0, 501]}, "invalid-input", ["/concurrency/1", "/concurrency/2"]),
        ({"seed": "42", "retry_injection": 1}, "invalid-input", ["/retry_injection", "/seed"]),
        ({"seed": True}, "invalid-input", ["/seed"]),
        ({"seed": None}, "invalid-input", ["/seed"]),
        ({"state": "JUDGED", "requested_by": 1}, "invalid-input", ["/requested_by", "/state"]),
        ({"concurrency": [50, 50]}, "invalid-plan-count", ["/concurrency"]),
        ({"profile": "own"}, "invalid-plan-no-duration", ["/duration_seconds"]),
        ({"profile": "smoke", "duration_seconds": 6}, "invalid-plan-duration", ["/duration_seconds"]),
        ({"scenarios": ["crash_replay"], "concurrency": [1, 2]}, "invalid-plan-sweep", ["/concurrency"]),
        ({"commit": "4f1d2c9"}, "invalid-input", ["/commit"]),
        ({"commit": "A" * 40}, "invalid-input", ["/commit"]),
        ({"commit": 7}, "invalid-input", ["/commit"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer(
    client: ApiClient, body: dict[str, Any], code: str, pointers: list[str]
) -> None:
    """400 names every field that cannot be, unknown ones too, and nothing is queued."""
    answer = client.send("runs/", body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == pointers
    assert "Retry-After" not in answer.headers
    assert not Run.objects.exists()


def test_a_key_makes_one_run_and_gets_its_answer_again(client: ApiClient) -> None:
    """The repetition is marked, has the same Location, and queues nothing."""
    first = client.send("runs/", {"profile": "smoke"}, key=KEY)

    again = client.send("runs/", {"profile": "smoke"}, key=KEY)

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert Run.objects.count() == 1


def test_a_key_is_needed_and_belongs_to_one_request(client: ApiClient) -> None:
    """400 without one, 422 for another body under it."""
    missing = client.send("runs/", {}, key=None)
    client.send("runs/", {"seed": 1}, key=KEY)
    reused = client.send("runs/", {"seed": 2}, key=KEY)

    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-key-missing")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")
    assert Run.objects.count() == 1


def test_a_refused_body_does_not_use_up_its_key(client: ApiClient) -> None:
    """Whoever corrects the body may keep the key."""
    assert client.send("runs/", {"profile": "quik"}, key=KEY).status_code == 400

    assert client.send("runs/", {"profile": "quick"}, key=KEY).status_code == 202


@pytest.mark.parametrize(
    ("role", "scope", "code"),
    [(Role.REVIEWER, Scope.RUNS_WRITE, "not-allowed"), (Role.TESTER, Scope.RUNS_READ, "scope-missing")],
)
def test_it_takes_the_scope_and_the_role(db: None, role: Role, scope: Scope, code: str) -> None:
    """403 without the one or the other."""
    answer = api_client(person_with(role), scope).send("runs/", {})

    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert not Run.objects.exists()
