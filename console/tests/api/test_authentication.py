"""Who asks: tokens that count and tokens that do not, guessing, signed requests."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.kernel import epoch
from console.kernel.api import throttles
from console.kernel.authority import Role
from console.kernel.models import ApiToken, AuditEntry, Person, UsedNonce
from console.kernel.scopes import Scope
from console.kernel.tokens import new_token, signature_of
from console.tests.api_client import ApiClient, api_client, token_for
from console.tests.people import person_with

pytestmark = [pytest.mark.django_db, pytest.mark.urls("console.tests.api.frame_urls")]
TOKEN = "/api/v1/token/"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a problem that is what it must be."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/api/v1/problems/{code}/")
    return body


def test_the_token_in_hand_says_for_whom_it_acts() -> None:
    """Scopes, roles and end; never the secret or its digest."""
    person = person_with(Role.TESTER)

    told = api_client(person, Scope.RUNS_READ).get(TOKEN)

    assert told.json()["person"] == person.username
    assert (told.json()["scopes"], told.json()["roles"]) == (["runs:read"], ["tester"])
    assert told.json()["expires_at"].endswith("Z")
    assert ApiToken.objects.get().digest not in told.content.decode()


def test_without_a_token_there_is_no_way_in_not_even_with_a_session() -> None:
    """A cookie would let another site's page ask in the person's name."""
    client = Client()
    client.force_login(person_with(Role.SUPERVISOR), backend="django.contrib.auth.backends.ModelBackend")

    refused = client.get(TOKEN)

    assert_problem(refused, 401, "authentication-required")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer gh_", "Basic dXNlcjpwYXNz", "Bearer gh_abcdefgh_" + "a" * 43, "Bearer ü\x00"]
)
def test_what_is_no_token_is_refused(header: str) -> None:
    """Whatever its shape."""
    assert_problem(Client().get(TOKEN, HTTP_AUTHORIZATION=header), 401, "invalid-token")


@pytest.mark.parametrize(
    ("change", "why"),
    [("expired", "expired"), ("revoked", "revoked"), ("left", "deactivated")],
)
def test_a_token_that_ended_opens_nothing(change: str, why: str) -> None:
    """Its holder is told why."""
    person, now = person_with(Role.TESTER), timezone.now()
    expired = {"created_at": now - timedelta(days=2), "expires_at": now - timedelta(seconds=1)}
    client = api_client(person, Scope.RUNS_READ, **(expired if change == "expired" else {}))
    if change == "revoked":
        ApiToken.objects.update(revoked_at=now, revoked_by=person)
    if change == "left":
        Person.objects.filter(pk=person.pk).update(is_active=False)

    assert why in assert_problem(client.get(TOKEN), 401, "invalid-token")["detail"]


def test_whoever_guesses_at_an_ended_token_is_not_told_that_it_was_one() -> None:
    """Only the right secret learns why."""
    text = token_for(person_with(Role.TESTER), Scope.RUNS_READ)
    ApiToken.objects.update(revoked_at=timezone.now(), revoked_by=ApiToken.objects.get().person)

    told = assert_problem(ApiClient(text[:-2] + "xx").get(TOKEN), 401, "invalid-token")

    assert told["detail"] == assert_problem(ApiClient(new_token().text).get(TOKEN), 401, "invalid-token")["detail"]


def test_a_scope_opens_what_it_names_and_nothing_else() -> None:
    """Any of several where the view says so, one for each method where it says so."""
    person = person_with(Role.TESTER)

    assert api_client(person, Scope.PHASES_READ).read("kept/1/").status_code == 200
    assert api_client(person, Scope.RUNS_READ).read("notes/").status_code == 200
    assert_problem(api_client(person, Scope.CREDITS_READ).read("kept/1/"), 403, "scope-missing")
    assert_problem(api_client(person, Scope.RUNS_READ).send("notes/", {"text": "x"}), 403, "scope-missing")
    assert_problem(api_client(person, Scope.RUNS_WRITE).read("notes/"), 403, "scope-missing")


def test_a_token_of_a_person_without_a_role_reads_nothing() -> None:
    """As the person themselves."""
    assert_problem(api_client(person_with(), *Scope).read("token/"), 403, "not-allowed")


def test_a_view_without_a_scope_cannot_be_called() -> None:
    """Forgetting it closes the door."""
    client = api_client(person_with(Role.TESTER), *Scope)
    client.raise_request_exception = False

    assert_problem(client.read("forgotten/"), 500, "internal-error")


def test_the_last_use_is_written_at_most_once_a_minute() -> None:
    """Reading does not become writing."""
    client = api_client(person_with(Role.TESTER), Scope.RUNS_READ)
    client.get(TOKEN)
    first = ApiToken.objects.get().last_used_at
    assert first is not None

    client.get(TOKEN)
    assert ApiToken.objects.get().last_used_at == first

    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    epoch.forget_everything()
    client.get(TOKEN)
    assert ApiToken.objects.get().last_used_at >= first  # type: ignore[operator]  # it was used


def test_wrong_tokens_are_audited_once_for_an_address_and_minute() -> None:
    """With the address and the prefix that was tried, without the secret."""
    guess = new_token()
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        ApiClient(guess.text, REMOTE_ADDR=address).get(TOKEN)
    throttles.forget_everything()  # as another process of the server

    ApiClient(guess.text, REMOTE_ADDR="192.0.2.1").get(TOKEN)

    entries = AuditEntry.objects.filter(act="token.authenticate", outcome="refused", code="invalid-token")
    assert sorted(json.loads(entry.after)["source"] for entry in entries) == ["192.0.2.1", "192.0.2.2"]
    assert guess.prefix in entries[0].after
    assert guess.text not in entries[0].after


def test_guessing_ends_in_429_and_the_right_token_still_counts() -> None:
    """From the same address; another address is not throttled with it."""
    right = api_client(person_with(Role.TESTER), Scope.RUNS_READ)
    for _ in range(10):
        assert_problem(ApiClient(new_token().text).get(TOKEN), 401, "invalid-token")

    refused = ApiClient(new_token().text).get(TOKEN)

    assert_problem(refused, 429, "too-many-failures")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert right.get(TOKEN).status_code == 200
    assert_problem(ApiClient(new_token().text, REMOTE_ADDR="192.0.2.9").get(TOKEN), 401, "invalid-token")


def test_guessing_at_one_token_closes_it_to_the_guesser_alone() -> None:
    """Its holder elsewhere goes on."""
    text = token_for(person_with(Role.TESTER), Scope.RUNS_READ)
    for _ in range(10):
        ApiClient(text[:-2] + "xx", REMOTE_ADDR="192.0.2.9").get(TOKEN)

    assert_problem(ApiClient(text, REMOTE_ADDR="192.0.2.9").get(TOKEN), 429, "too-many-failures")
    assert ApiClient(text, REMOTE_ADDR="192.0.2.1").get(TOKEN).status_code == 200


def test_a_token_that_asks_too_often_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token for itself; Retry-After says how long."""
    monkeypatch.setattr(throttles.BY_TOKEN, "per_second", 0.01)
    monkeypatch.setattr(throttles.BY_TOKEN, "burst", 3)
    busy, calm = (api_client(person_with(Role.TESTER), Scope.RUNS_READ) for _ in range(2))
    answered = [busy.get(TOKEN).status_code for _ in range(3)]

    refused = busy.get(TOKEN)

    assert_problem(refused, 429, "too-many-requests")
    assert answered == [200, 200, 200]
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert calm.get(TOKEN).status_code == 200


def test_an_address_without_a_token_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public addresses, and refused ones."""
    monkeypatch.setattr(throttles.BY_ADDRESS, "per_second", 0.01)
    monkeypatch.setattr(throttles.BY_ADDRESS, "burst", 1)
    assert Client().get("/api/v1/problems/").status_code == 200

    assert_problem(Client().get("/api/v1/problems/"), 429, "too-many-requests")
    assert_problem(Client().get(TOKEN), 429, "too-many-requests")


def signed(client: ApiClient, **changed: str) -> Any:
    """A POST to the notes, signed as the README says; `changed` headers replace the right ones."""
    token = ApiToken.objects.get()
    parts = {"timestamp": str(int(time.time())), "nonce": new_token().text[12:40]}
    parts |= {name: value for name, value in changed.items() if name in parts}
    body = '{"text": "x"}'
    signature = signature_of(
        secret=token.signing_secret, method="POST", target="/api/v1/notes/", body=body.encode(), **parts
    )
    headers = {
        "Gatehouse-Timestamp": parts["timestamp"],
        "Gatehouse-Nonce": parts["nonce"],
        "Gatehouse-Signature": changed.get("signature", signature),
        "Idempotency-Key": '"k"',
    }
    sent = changed.get("body", body)
    return client.post("/api/v1/notes/", sent, content_type="application/json", headers=headers)


@pytest.fixture
def signer() -> ApiClient:
    """A client whose token takes signed requests only."""
    return api_client(person_with(Role.TESTER), Scope.RUNS_WRITE, is_signed_only=True)


def test_a_signed_request_counts_once(signer: ApiClient) -> None:
    """The same nonce is refused, also for a repetition that an Idempotency-Key would answer."""
    nonce = "n" * 16

    assert signed(signer, nonce=nonce).status_code == 201

    assert_problem(signed(signer, nonce=nonce), 401, "invalid-signature")
    assert signed(signer).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": '{"text": "y"}'},
        {"signature": "v1=" + "0" * 64},
        {"signature": "ü"},
        {"timestamp": "1"},
        {"timestamp": "9" * 12},
        {"timestamp": "９"},
        {"nonce": "short"},
        {"nonce": "semi;colon;semi;colon"},
    ],
)
def test_an_altered_old_or_odd_signature_is_refused(signer: ApiClient, changed: dict[str, str]) -> None:
    """Nothing is done, and no nonce is used up."""
    assert_problem(signed(signer, **changed), 401, "invalid-signature")

    assert not UsedNonce.objects.exists()
    assert not AuditEntry.objects.filter(act="run.request").exists()


def test_a_token_for_signed_requests_takes_no_other(signer: ApiClient) -> None:
    """Read along the way it is worth nothing."""
    assert_problem(signer.get(TOKEN), 401, "invalid-signature")


def test_a_signature_that_was_not_asked_for_is_checked_all_the_same() -> None:
    """Whoever signs wants to know when it is wrong."""
    client = api_client(person_with(Role.TESTER), Scope.RUNS_WRITE)

    assert_problem(signed(client, signature="v1=0"), 401, "invalid-signature")
    assert signed(client).status_code == 201


def test_nonces_are_forgotten_when_their_time_has_passed(signer: ApiClient) -> None:
    """The table does not grow for ever."""
    signed(signer)
    UsedNonce.objects.update(used_at=timezone.now() - timedelta(hours=1))

    signed(signer)

    assert UsedNonce.objects.count() == 1


def test_a_token_is_not_a_login() -> None:
    """The console asks for the person's own password; the API's token opens no page."""
    text = token_for(person_with(Role.TESTER), *Scope)

    assert ApiClient(text).get("/admin/").status_code == 302
    name = Person.objects.get().username
    failed = Client().post("/admin/login/", {"username": name, "password": text})
    assert (failed.status_code, "Please enter a correct" in failed.content.decode()) == (200, True)
