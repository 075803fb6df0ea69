"""From the request to the decision: what four people do, and what stands afterwards."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from console.kernel.models import AuditEntry
from console.models import ReleaseRequest
from console.release_states import Outcome, RequestState, Seat, Word
from console.releases import standing, standing_sign_offs
from console.tests.releases.people import Team, condition, decide, sign_three
from testruns.models import Run

pytestmark = pytest.mark.django_db


def test_four_people_release_a_phase(request_5a: ReleaseRequest, team: Team) -> None:
    """Engineer, tester, reviewer and supervisor sign in their order, and the phase opens what follows."""
    sign_three(request_5a, team)

    decision = decide(request_5a, Word.GO, by=team.supervisor)

    stands = standing("5a", now=timezone.now())
    assert stands.state is RequestState.GO
    assert stands.opens
    assert stands.decision == decision
    assert stands.valid_until == decision.decided_at + timedelta(days=30)
    assert set(standing_sign_offs(request_5a)) == set(Seat)


def test_the_manifest_lists_what_was_judged_and_never_changes(request_5a: ReleaseRequest, runs: list[Run]) -> None:
    """Its digest binds the runs by their own manifests, the gates, the policy and the head of the live journal."""
    manifest = json.loads(request_5a.manifest)

    assert request_5a.manifest_digest == hashlib.sha256(request_5a.manifest.encode()).hexdigest()
    assert {run["manifest"] for run in manifest["runs"] if run["is_deciding"]} == {run.manifest_digest for run in runs}
    assert set(manifest["gates"].values()) == {"PASS"}
    assert manifest["recommendation"] == "GO"
    assert manifest["policy"]["digest"] == runs[0].policy.digest
    assert manifest["live"]["seq"] >= 0


def test_everything_that_was_signed_is_bound_by_digest(request_5a: ReleaseRequest, team: Team) -> None:
    """Decision, sign-offs and review hold canonical content; each digest is that of its content."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)

    content = json.loads(decision.content)
    sign_offs = standing_sign_offs(request_5a)

    assert content["sign_offs"] == {seat.value: one.digest for seat, one in sign_offs.items()}
    assert content["review"] == sign_offs[Seat.REVIEWER].review_digest
    assert decision.digest == hashlib.sha256(decision.content.encode()).hexdigest()
    for one in sign_offs.values():
        assert one.digest == hashlib.sha256(one.content.encode()).hexdigest()
    assert all(json.loads(one.content)["manifest"] == request_5a.manifest_digest for one in sign_offs.values())


def test_a_conditional_release_says_who_does_what_by_when(request_5a: ReleaseRequest, team: Team) -> None:
    """After-use conditions leave the phase open; it stands until the first one is overdue."""
    sign_three(request_5a, team, outcome=Outcome.CONDITIONAL)

    decision = decide(request_5a, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer),))

    stands = standing("5a", now=timezone.now())
    assert stands.state is RequestState.CONDITIONAL
    assert stands.opens
    assert [one.owner for one in stands.open_conditions] == [team.engineer.person]
    assert json.loads(decision.content)["conditions"][0]["owner"] == team.engineer.person.pk


def test_no_go_needs_nobody_before_it(request_5a: ReleaseRequest, team: Team) -> None:
    """Who sees that it will not do says so at once."""
    decision = decide(request_5a, Word.NO_GO, by=team.supervisor)

    assert decision.valid_until is None
    assert standing("5a", now=timezone.now()).state is RequestState.NO_GO


def test_every_act_is_in_the_audit_chain(request_5a: ReleaseRequest, team: Team) -> None:
    """Opening, signing and deciding, in their order, by the people who did it."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)

    acts = AuditEntry.objects.filter(object=f"request:{request_5a.pk}", outcome="done").order_by("index")

    assert list(acts.values_list("act", flat=True)) == [
        "request.open",
        "request.attest",
        "request.sign_as_tester",
        "review.write",
        "request.sign_as_reviewer",
        "request.decide",
    ]
