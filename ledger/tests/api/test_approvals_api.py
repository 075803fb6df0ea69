"""Credit approvals over HTTP: a token asks and reads, and no token decides."""

from __future__ import annotations

from typing import Any

import pytest

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import ApiToken
from console.tests.api_client import ApiClient, api_client, token_for
from console.tests.people import give, person_with
from ledger import ApprovalState, Ledger
from ledger.actions import decide_ledger_approval
from ledger.credits.errors import SelfApproval
from ledger.tests.api.conftest import BOTH

pytestmark = pytest.mark.django_db
WHY = "checked with the team of mission 9"


def request(name: str = "r-1", **change: Any) -> dict[str, Any]:
    """The body of a request for 500 credits."""
    return {
        "request": name,
        "action_type": "credit_adjustment",
        "risk_level": "MEDIUM",
        "context": "500 credits for the migration",
        "amount": "500",
    } | change


def test_a_token_asks_and_people_decide(engineer: ApiClient, ledger: Ledger) -> None:
    """The answer leads to where it can be read; what a reviewer then decides is there."""
    asked = engineer.send("credits/approvals/", request())
    person = ApiToken.objects.get().person
    reviewer = Actor(person=person_with(Role.REVIEWER), via="console")
    decide_ledger_approval(actor=reviewer, request="r-1", is_approval=True, justification=WHY)

    found = engineer.get(asked.headers["Location"]).json()

    assert asked.status_code == 201
    assert (asked.json()["state"], asked.json()["amount"]) == ("pending", "500.000000")
    assert asked.json()["requester"] == f"user:{person.pk}"
    assert (found["state"], found["decided_by"], found["reason"]) == ("approved", reviewer.label, WHY)
    assert found["approvers"] == [reviewer.label]


def test_whoever_asked_through_a_token_cannot_decide_in_the_console(engineer: ApiClient, ledger: Ledger) -> None:
    """The person behind the token is the one who asked."""
    engineer.send("credits/approvals/", request())
    person = ApiToken.objects.get().person
    give(person, Role.SUPERVISOR)

    with pytest.raises(SelfApproval):
        decide_ledger_approval(
            actor=Actor(person=person, via="console"), request="r-1", is_approval=True, justification=WHY
        )


def test_a_repeated_request_is_made_once_also_with_a_rotated_token(engineer: ApiClient, ledger: Ledger) -> None:
    """The same key and body give the first answer."""
    first = engineer.send("credits/approvals/", request(), key="k-1")
    rotated = ApiClient(token_for(ApiToken.objects.get().person, *BOTH))

    again = rotated.send("credits/approvals/", request(), key="k-1")
    other = rotated.send("credits/approvals/", request(), key="k-2")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "approval-exists")


def test_low_risk_is_approved_by_the_policy_at_once(engineer: ApiClient, ledger: Ledger) -> None:
    """And reads so."""
    asked = engineer.send("credits/approvals/", request("small", risk_level="LOW"))

    assert asked.json()["state"] == "approved"
    assert engineer.read("credits/approvals/small/").json()["state"] == "approved"


def test_the_list_is_by_state_and_by_pages(engineer: ApiClient, ledger: Ledger) -> None:
    """Newest first."""
    for number, risk in enumerate(["MEDIUM", "LOW", "HIGH", "CRITICAL"]):
        engineer.send("credits/approvals/", request(f"r/{number}", risk_level=risk))

    first = engineer.read("credits/approvals/", {"limit": 2, "state": "pending"}).json()
    rest = engineer.get(first["next"]).json()
    approved = engineer.read("credits/approvals/", {"state": "approved"}).json()

    assert [one["request"] for one in (*first["results"], *rest["results"])] == ["r/3", "r/2", "r/0"]
    assert [one["request"] for one in approved["results"]] == ["r/1"]
    assert engineer.read("credits/approvals/r/3/").json()["approvals_needed"] == 2


@pytest.mark.parametrize("route", ["approve", "deny", "decide"])
def test_no_address_decides(engineer: ApiClient, ledger: Ledger, route: str) -> None:
    """Whatever is tried, the request stays open."""
    engineer.send("credits/approvals/", request())

    tried = engineer.send(f"credits/approvals/r-1/{route}/", {"justification": WHY})

    assert tried.status_code in (404, 405)
    assert ledger.approval("r-1").state is ApprovalState.PENDING


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"risk_level": "medium"}, 422, "invalid-choice"),
        ({"context": ""}, 422, "invalid-text"),
        ({"amount": 0.5}, 422, "invalid-amount"),
        ({"requester": "user:1"}, 400, "invalid-input"),
        ({"approvals_needed": 0}, 400, "invalid-input"),
        ({"request": None}, 400, "invalid-input"),
    ],
)
def test_a_wrong_request_is_refused(
    engineer: ApiClient, ledger: Ledger, change: dict[str, Any], status: int, code: str
) -> None:
    """Also one that names who asks, or how many must agree."""
    head = ledger.head.seq

    answer = engineer.send("credits/approvals/", request(**change))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ledger.head.seq == head


def test_only_who_may_asks_and_an_unknown_request_is_not_found(ledger: Ledger) -> None:
    """A reviewer decides and does not ask."""
    reviewer = api_client(person_with(Role.REVIEWER), *BOTH)

    refused = reviewer.send("credits/approvals/", request())

    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    assert reviewer.read("credits/approvals/r-1/").json()["code"] == "unknown-approval"
    assert reviewer.read("credits/approvals/", {"state": "open"}).json()["code"] == "invalid-parameter"
