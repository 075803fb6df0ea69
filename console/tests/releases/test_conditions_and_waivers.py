"""Conditions are closed by their owner and confirmed by another; waivers are answered by another and expire."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console import actions
from console.actions.refusals import (
    ChecklistRed,
    ConditionClosed,
    NoProof,
    NothingToConfirm,
    NotWaivable,
    NotYours,
    OwnWaiverAnswer,
    ReleaseOver,
    WaiverAnswered,
    WaiverExpired,
    WordNotAllowed,
)
from console.kernel.authority import Role
from console.kernel.errors import InvalidInput, NotAllowed, NotFound, SecondPersonNeeded
from console.models import Certificate, Condition, ReleaseRequest, Waiver
from console.release_states import ClosingRule, ConditionKind, Outcome, RequestState, Word
from console.releases import Look, check_request, standing, state_of
from console.tests.people import give
from console.tests.releases.passing_time import expire_waiver, make_overdue
from console.tests.releases.people import WHY, Team, condition, decide, make_team, sign_three, signer
from console.tests.releases.runs import SLOW, clean_build, full_run
from testruns.models import Build

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_condition(request_5a: ReleaseRequest, team: Team) -> Condition:
    """A before-use condition of a conditional release, owned by the engineer, closed by evidence."""
    return conditioned(request_5a, team)


def conditioned(request: ReleaseRequest, team: Team, **changes: Any) -> Condition:
    sign_three(request, team, outcome=Outcome.CONDITIONAL)
    given = condition(owner=team.engineer, **({"kind": ConditionKind.BEFORE_USE} | changes))
    return decide(request, Word.CONDITIONAL, by=team.supervisor, conditions=(given,)).conditions.get()


def close(row: Condition, *, by: Any) -> Any:
    return actions.close_with_file(actor=by, condition_id=row.pk, content=b"the graph of the week", note="it held")


def waive(team: Team, build: Build, *, rule_code: str = "E03", days: int = 3, **changes: Any) -> Waiver:
    values: dict[str, Any] = {
        "actor": team.tester,
        "phase": "5a",
        "build_id": build.pk,
        "rule_code": rule_code,
        "reason": WHY,
        "expires_at": timezone.now() + timedelta(days=days),
    }
    return actions.request_waiver(**(values | changes))


def test_a_closed_and_confirmed_condition_opens_the_phase(open_condition: Condition, team: Team) -> None:
    """Closing alone does not: somebody else looks at the evidence."""
    close(open_condition, by=team.engineer)
    closed_only = standing("5a", now=timezone.now()).opens

    actions.confirm_condition(actor=team.supervisor, condition_id=open_condition.pk)

    assert not closed_only
    assert standing("5a", now=timezone.now()).opens


def test_go_follows_when_every_condition_is_closed(open_condition: Condition, team: Team) -> None:
    """A second signed decision that lists the closings by digest, with a certificate of its own."""
    request = open_condition.decision.request
    with pytest.raises(ChecklistRed, match="Conditions"):
        decide(request, Word.GO, by=team.supervisor)
    closing = close(open_condition, by=team.engineer)
    actions.confirm_condition(actor=team.supervisor, condition_id=open_condition.pk)

    second = decide(request, Word.GO, by=team.supervisor)

    assert (second.number, second.word) == (2, "GO")
    assert json.loads(second.content)["closings"] == [closing.digest]
    assert standing("5a", now=timezone.now()).state is RequestState.GO
    assert Certificate.objects.count() == 2
    assert decide(request, Word.GO, by=team.supervisor) == second
    request.refresh_from_db()
    checked = check_request(request, look=Look(now=timezone.now()))
    assert [item.code for item in checked.items if not item.is_green] == []


def test_go_does_not_follow_where_the_runs_recommend_less(team: Team, build: Build) -> None:
    """Closing a condition makes no slow run fast: that takes a new request."""
    for _ in range(2):
        full_run(by=team.runner, faults=SLOW)
    actions.verify_live_journal(actor=team.engineer)
    row = conditioned(actions.open_request(actor=team.opener, phase="5a", build_id=build.pk), team)
    close(row, by=team.engineer)
    actions.confirm_condition(actor=team.supervisor, condition_id=row.pk)

    with pytest.raises(WordNotAllowed):
        decide(row.decision.request, Word.GO, by=team.supervisor)


def test_who_may_not_close_a_condition(open_condition: Condition, team: Team) -> None:
    """Anybody but its owner; nobody without proof; nobody a second time after it was confirmed."""
    with pytest.raises(NotYours):
        close(open_condition, by=team.opener)
    with pytest.raises(NoProof):
        actions.close_condition(actor=team.engineer, condition_id=open_condition.pk)
    with pytest.raises(NoProof):
        actions.close_condition(actor=team.engineer, condition_id=open_condition.pk, evidence_digest="0" * 64)
    with pytest.raises(NoProof):
        actions.close_with_file(actor=team.engineer, condition_id=open_condition.pk, content=b"")
    with pytest.raises(NotFound):
        actions.close_condition(actor=team.engineer, condition_id=999_999)
    first = close(open_condition, by=team.engineer)
    assert close(open_condition, by=team.engineer) == first
    actions.confirm_condition(actor=team.supervisor, condition_id=open_condition.pk)
    with pytest.raises(ConditionClosed):
        close(open_condition, by=team.engineer)


def test_who_may_not_confirm_a_closing(open_condition: Condition, team: Team) -> None:
    """Nobody before it was closed, not who closed it, nobody without the role."""
    give(team.engineer.person, Role.SUPERVISOR)
    with pytest.raises(NothingToConfirm):
        actions.confirm_condition(actor=team.supervisor, condition_id=open_condition.pk)
    close(open_condition, by=team.engineer)
    with pytest.raises(SecondPersonNeeded):
        actions.confirm_condition(actor=team.engineer, condition_id=open_condition.pk)
    with pytest.raises(NotAllowed):
        actions.confirm_condition(actor=team.reviewer, condition_id=open_condition.pk)

    first = actions.confirm_condition(actor=team.supervisor, condition_id=open_condition.pk)

    assert actions.confirm_condition(actor=make_team().supervisor, condition_id=open_condition.pk) == first


def test_a_lapsed_release_has_nothing_to_close(open_condition: Condition, team: Team) -> None:
    """Too late is too late: it takes a new request."""
    make_overdue(open_condition)

    with pytest.raises(ReleaseOver, match="LAPSED"):
        close(open_condition, by=team.engineer)


def test_a_retest_is_closed_by_a_later_go_run_of_the_build(request_5a: ReleaseRequest, team: Team) -> None:
    """Not by one from before, of another build, of part of the suite, or that recommends less."""
    before = full_run(by=team.runner)
    row = conditioned(request_5a, team, closing_rule=ClosingRule.GO_RUN)
    other = full_run(by=team.runner, build=clean_build(tree="99"))
    quick = full_run(by=team.runner, profile="quick", soak_seconds=30)
    slow = full_run(by=team.runner, faults=SLOW)
    driven = full_run(by=team.runner, requested_by=None)
    for wrong in (before.pk, other.pk, quick.pk, slow.pk, driven.pk, 999_999, None):
        with pytest.raises(NoProof):
            actions.close_condition(actor=team.engineer, condition_id=row.pk, run_id=wrong)

    run = full_run(by=team.runner)
    closing = actions.close_condition(actor=team.engineer, condition_id=row.pk, run_id=run.pk)

    assert json.loads(closing.content)["run"] == {"run": run.pk, "manifest": run.manifest_digest}


def test_an_approved_waiver_lifts_a_failed_major_rule(team: Team, build: Build) -> None:
    """In requests opened later; the gate says WAIVED, and the result itself stays failed."""
    runs = [full_run(by=team.runner, faults=SLOW) for _ in range(2)]
    actions.verify_live_journal(actor=team.engineer)
    waiver = waive(team, build)
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    manifest = json.loads(request.manifest)

    assert (manifest["recommendation"], manifest["gates"]["E"]) == ("GO", "WAIVED")
    assert [(one["id"], one["rule"]) for one in manifest["waivers"]] == [(waiver.pk, "E03")]
    assert runs[0].rule_results.get(code="E03").verdict == "FAIL"
    assert decide(request, Word.GO, by=team.supervisor).valid_until == waiver.expires_at


def test_a_release_ends_with_the_waiver_it_rests_on_and_no_other(team: Team, build: Build) -> None:
    """Of two for one rule the later counts; one for a rule that holds ends nothing."""
    for _ in range(2):
        full_run(by=team.runner, faults=SLOW)
    actions.verify_live_journal(actor=team.engineer)
    sooner, later, idle = waive(team, build, days=2), waive(team, build, days=5), waive(team, build, rule_code="E04")
    for waiver in (sooner, later, idle):
        actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)

    decision = decide(request, Word.GO, by=team.supervisor)
    request.refresh_from_db()

    assert decision.valid_until == later.expires_at
    assert state_of(request, now=later.expires_at) is RequestState.LAPSED


def test_an_expired_waiver_lets_the_gate_turn_red_by_itself(team: Team, build: Build) -> None:
    """The manifest is what it was; what may be decided on it is not."""
    for _ in range(2):
        full_run(by=team.runner, faults=SLOW)
    actions.verify_live_journal(actor=team.engineer)
    waiver = waive(team, build)
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    expire_waiver(waiver)

    with pytest.raises(WordNotAllowed, match="CONDITIONAL"):
        decide(request, Word.GO, by=team.supervisor)


@pytest.mark.parametrize(("answer", "expected"), [(None, "FAIL"), (False, "FAIL"), (True, "WAIVED")])
def test_only_an_approval_counts(team: Team, build: Build, answer: bool | None, expected: str) -> None:
    """A waiver that waits or was denied changes nothing; one that came later needs a new request."""
    for _ in range(2):
        full_run(by=team.runner, faults=SLOW)
    waiver = waive(team, build)
    if answer is not None:
        actions.answer_waiver(actor=team.reviewer, waiver_id=waiver.pk, is_approved=answer, reason=WHY)

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    assert json.loads(request.manifest)["gates"]["E"] == expected


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"rule_code": "A01"}, NotWaivable),
        ({"rule_code": "E02"}, NotWaivable),
        ({"rule_code": "E06"}, NotWaivable),
        ({"rule_code": "Z99"}, NotFound),
        ({"phase": "5z"}, NotFound),
        ({"build_id": 999_999}, NotFound),
        ({"reason": "short"}, InvalidInput),
        ({"expires_at": timezone.now() + timedelta(days=15)}, InvalidInput),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, InvalidInput),
    ],
    ids=["critical", "duration", "warning", "rule", "phase", "build", "reason", "too-long", "past"],
)
def test_what_cannot_be_waived(team: Team, build: Build, changes: dict[str, Any], refusal: type[Exception]) -> None:
    """Correctness, how long was measured, what decides nothing anyway; beyond the policy's fourteen days."""
    with pytest.raises(refusal):
        waive(team, build, **changes)

    assert Waiver.objects.count() == 0


def test_who_may_not_answer_a_waiver(team: Team, build: Build) -> None:
    """Not who asked, nobody twice, nobody after it expired, nobody without the role or a reason."""
    asker = signer(Role.TESTER, Role.SUPERVISOR)
    waiver = waive(team, build, actor=asker)
    assert waive(team, build, actor=asker, expires_at=waiver.expires_at) == waiver

    def answer(by: Any, *, is_approved: bool = True, reason: str = WHY) -> Any:
        return actions.answer_waiver(actor=by, waiver_id=waiver.pk, is_approved=is_approved, reason=reason)

    with pytest.raises(OwnWaiverAnswer):
        answer(asker)
    with pytest.raises(NotAllowed):
        answer(team.engineer)
    with pytest.raises(InvalidInput):
        answer(team.supervisor, reason="fine")
    first = answer(team.supervisor)
    assert answer(team.supervisor) == first
    with pytest.raises(WaiverAnswered):
        answer(team.supervisor, is_approved=False)
    with pytest.raises(WaiverAnswered):
        answer(team.reviewer)
    late = waive(team, build, rule_code="E05")
    expire_waiver(late)
    with pytest.raises(WaiverExpired):
        actions.answer_waiver(actor=team.supervisor, waiver_id=late.pk, is_approved=True, reason=WHY)
    with pytest.raises(NotFound):
        actions.answer_waiver(actor=team.supervisor, waiver_id=999_999, is_approved=True, reason=WHY)
