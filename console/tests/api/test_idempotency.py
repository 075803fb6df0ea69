"""Requests that may be repeated: one effect and one answer, whatever happens in between."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from console.kernel.api import idempotency
from console.kernel.authority import Role
from console.kernel.models import AuditEntry, IdempotencyKey
from console.kernel.scopes import Scope
from console.tests.api.test_authentication import assert_problem
from console.tests.api_client import ApiClient, api_client, token_for
from console.tests.people import person_with
from console.tests.waiting import PATIENT_SECONDS
from testruns.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.urls("console.tests.api.frame_urls")]


def effects() -> int:
    """How often the action was done."""
    return AuditEntry.objects.filter(act="run.request", outcome="done").count()


@pytest.fixture
def client() -> ApiClient:
    """A tester whose token may write."""
    client = api_client(person_with(Role.TESTER), *Scope)
    client.raise_request_exception = False
    return client


def test_a_repetition_gets_the_first_answer_and_has_no_effect(client: ApiClient) -> None:
    """Status, body and Location; a header says that it is a repetition."""
    first = client.send("notes/", {"text": "x"}, key="k")

    again = client.send("notes/", {"text": "x"}, key="k")

    assert (again.status_code, again.content, again.headers["Location"]) == (201, first.content, first["Location"])
    assert again.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert effects() == 1


@pytest.mark.parametrize("header", [None, "", '""', '"', "a b", '"' + "x" * 129 + '"', '"ü"', 'a"b', '"a\\b"', "ke\ty"])
def test_a_request_without_a_readable_key_is_refused(client: ApiClient, header: str | None) -> None:
    """Nothing is done."""
    headers = {} if header is None else {"Idempotency-Key": header}

    refused = client.post("/api/v1/notes/", {"text": "x"}, content_type="application/json", headers=headers)

    assert_problem(refused, 400, "idempotency-key-missing")
    assert effects() == 0


def test_a_bare_key_is_the_same_as_a_quoted_one(client: ApiClient) -> None:
    """The draft quotes it; some clients do not."""
    for header in ('"k-1"', "k-1"):
        headers = {"Idempotency-Key": header}
        client.post("/api/v1/notes/", {"text": "x"}, content_type="application/json", headers=headers)

    assert effects() == 1


def test_a_key_that_was_used_for_another_request_is_refused(client: ApiClient) -> None:
    """Even if the first one was refused."""
    client.send("notes/", {"text": "x"}, key="k")

    assert_problem(client.send("notes/", {"text": "y"}, key="k"), 422, "idempotency-key-reused")
    assert effects() == 1


def test_nobody_gets_the_answer_that_another_person_was_given(client: ApiClient) -> None:
    """The same key of another person is another key; of the same person with another token it is the same."""
    client.send("notes/", {"text": "x"}, key="k")
    other = api_client(person_with(Role.TESTER), *Scope)
    same = api_client(IdempotencyKey.objects.get().person, *Scope)

    assert "Idempotency-Replayed" not in other.send("notes/", {"text": "x"}, key="k").headers
    assert same.send("notes/", {"text": "x"}, key="k").headers["Idempotency-Replayed"] == "true"


def test_a_refusal_is_an_answer_too(client: ApiClient) -> None:
    """Repeated as it was, with its one audit entry."""
    first, again = (client.send("notes/", {"text": "refuse"}, key="k") for _ in range(2))

    assert assert_problem(again, 409, "wrong-state") == assert_problem(first, 409, "wrong-state")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert AuditEntry.objects.filter(act="run.request", outcome="refused").count() == 1
    assert effects() == 0


def test_a_body_that_cannot_be_read_is_an_answer_too(client: ApiClient) -> None:
    """The client sends another key with the corrected one."""
    assert_problem(client.send("notes/", {"text": ""}, key="k"), 400, "invalid-input")

    assert client.send("notes/", {"text": ""}, key="k").headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("text", "status", "refusals"), [("later", 429, 2), ("fail", 500, 0)])
def test_what_is_no_answer_frees_the_key(client: ApiClient, text: str, status: int, refusals: int) -> None:
    """A fault or a throttle: the same request may be sent again and is tried again."""
    for _ in range(2):
        answered = client.send("notes/", {"text": text}, key="k")
        assert (answered.status_code, "Idempotency-Replayed" in answered.headers) == (status, False)

    assert not IdempotencyKey.objects.exists()
    assert AuditEntry.objects.filter(act="run.request", outcome="refused").count() == refusals
    assert effects() == 0


def test_a_key_whose_request_is_not_finished_waits(client: ApiClient) -> None:
    """Only this may be retried unchanged."""
    client.send("notes/", {"text": "x"}, key="k")
    IdempotencyKey.objects.update(status=None)

    refused = client.send("notes/", {"text": "x"}, key="k")

    assert_problem(refused, 409, "idempotency-key-in-use")
    assert refused.headers["Retry-After"] == "1"
    assert_problem(client.send("notes/", {"text": "y"}, key="k"), 422, "idempotency-key-reused")


def test_a_claim_that_a_crash_left_behind_is_free_after_a_minute(client: ApiClient) -> None:
    """The process died between the two transactions: nothing was done, so it is done now."""
    client.send("notes/", {"text": "x"}, key="k")
    IdempotencyKey.objects.update(status=None, claimed_at=timezone.now() - timedelta(seconds=61))

    assert client.send("notes/", {"text": "x"}, key="k").status_code == 201
    assert effects() == 2  # the first one stands for a claim without effect


def test_whoever_lost_the_claim_meanwhile_has_no_effect(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that took longer than a minute is rolled back when another one took its key."""
    answer = idempotency._answer

    def slow(*args: Any, **kwargs: Any) -> Any:
        response = answer(*args, **kwargs)
        IdempotencyKey.objects.update(claimed_at=timezone.now())
        return response

    monkeypatch.setattr(idempotency, "_answer", slow)

    assert_problem(client.send("notes/", {"text": "x"}, key="k"), 409, "idempotency-key-in-use")
    assert effects() == 0


def test_keys_are_kept_for_a_day(client: ApiClient) -> None:
    """The table does not grow for ever."""
    client.send("notes/", {"text": "x"}, key="old")
    IdempotencyKey.objects.update(claimed_at=timezone.now() - timedelta(hours=25))

    client.send("notes/", {"text": "x"}, key="new")

    assert [one.key for one in IdempotencyKey.objects.all()] == ["new"]


def at_once(count: int, path: str, body: dict[str, Any]) -> list[Any]:
    """The answers to so many requests under one key, sent at the same moment; whoever is told to wait asks again."""
    token = token_for(person_with(Role.TESTER), *Scope)
    answers: list[Any] = []
    gate = threading.Barrier(count)

    def ask() -> None:
        client = ApiClient(token)
        gate.wait()
        try:
            while (answer := client.send(path, body, key="k")).status_code == 409:
                pass
            answers.append(answer)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENT_SECONDS)
    return answers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body", "status"), [("notes/", {"text": "x"}, 201), ("runs/", {"profile": "smoke"}, 202)]
)
def test_twenty_repetitions_at_once_have_one_effect(path: str, body: dict[str, Any], status: int) -> None:
    """One note, one run: each connection gets the one answer, or is told to wait for it."""
    answers = at_once(20, path, body)

    assert {(one.status_code, one.content) for one in answers} == {(status, answers[0].content)}
    assert len(answers) == 20
    assert sum("Idempotency-Replayed" not in one.headers for one in answers) == 1
    assert (effects(), Run.objects.count()) == (1, 1 if path == "runs/" else 0)
