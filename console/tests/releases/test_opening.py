"""Opening a request: what it fixes, what it freezes, and when it is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console import actions
from console.actions.refusals import NotYours, OpenAlready, PhaseInUse, RequestOver
from console.kernel.authority import Role
from console.kernel.errors import InvalidInput, NotAllowed, NotFound
from console.kernel.models import AuditEntry
from console.models import BoundRun, ReleaseRequest
from console.release_states import RequestState, Word
from console.releases import Look, check_request, state_of
from console.tests.releases.passing_time import expire
from console.tests.releases.people import WHY, Team, decide, signer
from console.tests.releases.runs import SLOW, WRONG, clean_build, full_run
from testruns.models import Build, Run
from testruns.recommendation import Recommendation

pytestmark = pytest.mark.django_db


def open_5a(team: Team, build: Build) -> ReleaseRequest:
    return actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)


def bound(request: ReleaseRequest) -> dict[int, str]:
    """What each run is to the request."""
    return {
        one.run_id: "decides" if one.is_deciding else "answer" if one.needs_answer else "listed"
        for one in BoundRun.objects.filter(request=request)
    }


def test_every_run_of_the_build_is_listed_and_the_newest_full_ones_decide(team: Team, build: Build) -> None:
    """Red ones too; nobody can leave one out."""
    red = full_run(by=team.runner, faults=WRONG)
    quick = full_run(by=team.runner, profile="quick", soak_seconds=30)
    newest = [full_run(by=team.runner) for _ in range(2)]
    other = full_run(by=team.runner, build=clean_build(tree="99"))

    request = open_5a(team, build)

    assert bound(request) == {red.pk: "answer", quick.pk: "listed", newest[0].pk: "decides", newest[1].pk: "decides"}
    assert other.pk not in {run["run"] for run in json.loads(request.manifest)["runs"]}


def test_the_worst_of_the_deciding_runs_counts(team: Team, build: Build) -> None:
    """One green and one red run recommend what the red one does."""
    full_run(by=team.runner)
    full_run(by=team.runner, faults=SLOW)

    request = open_5a(team, build)

    assert json.loads(request.manifest)["recommendation"] == "CONDITIONAL"
    assert json.loads(request.manifest)["gates"]["E"] == "FAIL"


def test_a_run_nobody_stands_behind_is_listed_and_never_bound(team: Team, build: Build, runs: list[Run]) -> None:
    """The command line without a person releases nothing."""
    driven = full_run(by=team.runner, requested_by=None)

    request = open_5a(team, build)

    assert driven.pk in {run["run"] for run in json.loads(request.manifest)["runs"]}
    assert set(bound(request)) == {run.pk for run in runs}


def test_unfinished_runs_are_frozen_when_a_request_opens(team: Team, build: Build, runs: list[Run]) -> None:
    """Nobody completes one afterwards until it is green."""
    unfinished = full_run(by=team.runner, crashed=("ml_chaos",))
    was_frozen = unfinished.is_frozen

    request = open_5a(team, build)

    unfinished.refresh_from_db()
    assert (was_frozen, unfinished.is_frozen) == (False, True)
    assert bound(request)[unfinished.pk] == "answer"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ([{}], "%(found)s of %(wanted)s"),
        ([{"seed": 5}, {"seed": 5}], "the same seed"),
        ([{}, {"soak_seconds": 30}], "%(found)s of %(wanted)s"),
        ([{}, {"retry_injection": False}], "%(found)s of %(wanted)s"),
    ],
    ids=["one", "same-seed", "short-soak", "injection-off"],
)
def test_too_few_full_runs_recommend_nothing(team: Team, changes: list[dict[str, Any]], missing: str) -> None:
    """INCOMPLETE, and the request says what is missing."""
    for values in changes:
        full_run(by=team.runner, **values)

    request = open_5a(team, clean_build())
    manifest = json.loads(request.manifest)

    assert manifest["recommendation"] == "INCOMPLETE"
    assert missing in manifest["selection"]["missing"][0]["template"]
    assert check_request(request, look=Look(now=timezone.now())).recommendation is Recommendation.INCOMPLETE


def test_runs_before_the_last_decision_are_history(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """After a NO_GO the next request rests on runs that came after it."""
    decide(request_5a, Word.NO_GO, by=team.supervisor)
    later = full_run(by=team.runner)

    request = open_5a(team, build)

    assert bound(request) == {later.pk: "decides"}


def test_opening_twice_by_the_same_person_is_one_request(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """A double click, a second tab."""
    assert open_5a(team, build) == request_5a
    assert ReleaseRequest.objects.count() == 1


def test_a_phase_has_one_open_request(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """Somebody else is told which one it is."""
    with pytest.raises(OpenAlready, match=f"#{request_5a.pk}"):
        actions.open_request(actor=team.tester, phase="5a", build_id=build.pk)

    refused = AuditEntry.objects.get(act="request.open", outcome="refused")
    assert (refused.code, refused.object) == ("open-already", "phase:5a")


def test_an_overdue_request_is_written_down_when_the_next_one_opens(
    request_5a: ReleaseRequest, team: Team, build: Build
) -> None:
    """It was expired for every reader before; now the row says so too, and makes room."""
    expire(request_5a)
    assert state_of(request_5a, now=timezone.now()) is RequestState.EXPIRED
    assert request_5a.state == RequestState.OPEN.value

    request = open_5a(team, build)

    request_5a.refresh_from_db()
    assert request_5a.state == RequestState.EXPIRED.value
    assert request.state == RequestState.OPEN.value
    assert AuditEntry.objects.filter(act="request.expire", object=f"request:{request_5a.pk}").exists()


@pytest.mark.parametrize(("phase", "build_id"), [("5z", 0), ("5a", 999_999)])
def test_what_does_not_exist_cannot_be_asked_for(team: Team, build: Build, phase: str, build_id: int) -> None:
    """Neither an unknown phase nor an unknown build."""
    with pytest.raises(NotFound):
        actions.open_request(actor=team.opener, phase=phase, build_id=build_id or build.pk)


def test_a_phase_in_use_takes_no_request(team: Team, build: Build) -> None:
    """Earlier phases are active without a release on record; there is nothing to decide about them."""
    with pytest.raises(PhaseInUse):
        actions.open_request(actor=team.opener, phase="1-5", build_id=build.pk)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_some_roles_open_no_request(build: Build, role: Role) -> None:
    """Refused with the roles it takes."""
    with pytest.raises(NotAllowed, match="engineer, tester, supervisor"):
        actions.open_request(actor=signer(role, is_superuser=True), phase="5a", build_id=build.pk)

    assert ReleaseRequest.objects.count() == 0


def test_a_preview_writes_nothing_and_shows_what_would_be_opened(team: Team, build: Build, runs: list[Run]) -> None:
    """The same manifest, unless something happens in between."""
    before = AuditEntry.objects.count()

    preview = actions.preview_request(phase="5a", build_id=build.pk)

    assert preview.evidence.recommendation is Recommendation.GO
    assert preview.open_request is None
    assert (ReleaseRequest.objects.count(), AuditEntry.objects.count()) == (0, before)
    assert open_5a(team, build).manifest_digest == preview.manifest_digest


@pytest.mark.parametrize("who", ["opener", "supervisor"])
def test_opener_and_supervisor_withdraw(request_5a: ReleaseRequest, team: Team, who: str) -> None:
    """With a reason; afterwards nothing is left to sign."""
    actions.withdraw_request(actor=getattr(team, who), request_id=request_5a.pk, reason=WHY)

    request_5a.refresh_from_db()
    assert request_5a.state == RequestState.WITHDRAWN.value
    with pytest.raises(RequestOver):
        actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)


def test_others_do_not_withdraw(request_5a: ReleaseRequest, team: Team) -> None:
    """It belongs to who opened it."""
    with pytest.raises(NotYours):
        actions.withdraw_request(actor=team.tester, request_id=request_5a.pk, reason=WHY)


def test_withdrawing_takes_a_reason(request_5a: ReleaseRequest, team: Team) -> None:
    """Nine characters say nothing."""
    with pytest.raises(InvalidInput):
        actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason="  because  ")


def test_the_manifest_of_a_request_outlives_its_deadline(request_5a: ReleaseRequest) -> None:
    """Policy 1: fourteen days to decide."""
    assert request_5a.deadline_at - request_5a.opened_at == timedelta(days=14)
