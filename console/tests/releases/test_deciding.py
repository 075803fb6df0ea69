"""Deciding: only downwards, only on a green list, once; then lapse, revocation and what replaces what."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from console import actions
from console.actions.refusals import ChecklistRed, OtherDecision, ReleaseOver, RequestOver, WordNotAllowed
from console.kernel.errors import InvalidInput, NotAllowed, NotFound
from console.kernel.models import AuditEntry
from console.models import Certificate, Condition, Decision, ReleaseRequest, SignOff
from console.release_states import MEANING_OF_WORD, ConditionKind, Outcome, RequestState, Seat, Word
from console.releases import Look, check_request, standing, state_of
from console.review_content import FindingStatus, ReviewFinding
from console.tests.releases.passing_time import make_overdue, outlive, without_triggers
from console.tests.releases.people import (
    WHY,
    Team,
    attest,
    attest_execution,
    condition,
    decide,
    make_team,
    sign_review,
    sign_three,
    write_review,
)
from console.tests.releases.runs import SLOW, WRONG, clean_build, full_run
from testruns.gates.rule import Severity
from testruns.models import Build, Run

pytestmark = pytest.mark.django_db


def requested(team: Team, build: Build, *, phase: str = "5a") -> ReleaseRequest:
    actions.verify_live_journal(actor=team.engineer)
    return actions.open_request(actor=team.opener, phase=phase, build_id=build.pk)


def refused(code: type[Exception], request: ReleaseRequest, word: Word, team: Team, **changes: Any) -> str:
    """The sentence of a refused decision, which leaves no signature behind."""
    signatures = SignOff.objects.count()
    with pytest.raises(code) as caught:
        decide(request, word, by=team.supervisor, **changes)
    assert SignOff.objects.count() == signatures
    assert AuditEntry.objects.order_by("-index")[0].code == caught.value.code  # type: ignore[attr-defined]
    return str(caught.value)


def conditional(request: ReleaseRequest, team: Team, **changes: Any) -> Decision:
    """A CONDITIONAL with one condition that the engineer owns."""
    return decide(
        request, Word.CONDITIONAL, by=team.supervisor, conditions=(condition(owner=team.engineer, **changes),)
    )


@pytest.mark.parametrize(
    ("faults", "recommendation", "allowed"),
    [(SLOW, "CONDITIONAL", [Word.CONDITIONAL, Word.NO_GO]), (WRONG, "NO_GO", [Word.NO_GO])],
    ids=["slow", "wrong"],
)
def test_a_supervisor_says_no_more_than_the_machine(
    team: Team, build: Build, faults: Any, recommendation: str, allowed: list[Word]
) -> None:
    """A failed major rule leaves CONDITIONAL, a failed critical one NO_GO."""
    for _ in range(2):
        full_run(by=team.runner, faults=faults)
    request = requested(team, build)
    sign_three(request, team)
    for word in set(Word) - set(allowed):
        given = {"conditions": (condition(owner=team.engineer),)} if word is Word.CONDITIONAL else {}
        assert recommendation in refused(WordNotAllowed, request, word, team, **given)

    given = {"conditions": (condition(owner=team.engineer),)} if allowed[0] is Word.CONDITIONAL else {}
    assert decide(request, allowed[0], by=team.supervisor, **given).word == allowed[0].value


def test_an_incomplete_recommendation_leaves_no_go(team: Team, build: Build) -> None:
    """One full run is not two."""
    full_run(by=team.runner)
    request = requested(team, build)
    sign_three(request, team)

    assert "INCOMPLETE" in refused(WordNotAllowed, request, Word.GO, team)


def test_a_dirty_build_is_not_released(team: Team) -> None:
    """What is in no commit cannot be found again."""
    dirty = clean_build(is_clean=False)
    for _ in range(2):
        full_run(by=team.runner, build=dirty)
    request = requested(team, dirty)
    sign_three(request, team)

    assert "Build" in refused(ChecklistRed, request, Word.GO, team)


def test_a_journal_nobody_verified_stands_against_a_release(team: Team, build: Build, runs: list[Run]) -> None:
    """Until somebody does, in the last 24 hours."""
    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)
    sign_three(request, team)
    assert "Live journal" in refused(ChecklistRed, request, Word.GO, team)

    actions.verify_live_journal(actor=team.reviewer)

    assert decide(request, Word.GO, by=team.supervisor).word == "GO"


@pytest.mark.parametrize(("phase", "before"), [("6a", "5a"), ("7a", "5a"), ("8a", "7a")])
def test_a_phase_waits_for_the_one_before_it(
    team: Team, build: Build, runs: list[Run], phase: str, before: str
) -> None:
    """5a opens 6a and 7a, 7a opens 8a."""
    request = requested(team, build, phase=phase)
    sign_three(request, team)

    assert "Phase before" in refused(ChecklistRed, request, Word.GO, team)
    assert json.loads(request.manifest)["predecessors"] == [{"phase": before, "decision": "", "state": ""}]


def test_a_released_phase_opens_the_next(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """With the decision that did so in the next manifest; when it lapses, the next one is closed again."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)
    request = requested(team, build, phase="6a")
    sign_three(request, team)
    assert json.loads(request.manifest)["predecessors"][0]["decision"] == decision.digest
    outlive(decision)

    assert "Phase before" in refused(ChecklistRed, request, Word.GO, team)


def test_a_red_full_run_after_the_opening_blocks_go_and_not_conditional(request_5a: ReleaseRequest, team: Team) -> None:
    """It is not in the manifest, and nobody may look away from it."""
    sign_three(request_5a, team)
    red = full_run(by=team.runner, faults=WRONG)
    full_run(by=team.runner, profile="quick", soak_seconds=30)

    assert "Newer runs" in refused(ChecklistRed, request_5a, Word.GO, team)
    items = {item.code: item for item in check_request(request_5a, look=Look(now=timezone.now())).items}
    assert items["newer-runs"].link == f"run:{red.pk}"
    assert conditional(request_5a, team).word == "CONDITIONAL"


@pytest.mark.parametrize("outcome", [Outcome.REQUEST_CHANGES, Outcome.REJECT])
def test_what_the_reviewer_refuses_is_not_released(request_5a: ReleaseRequest, team: Team, outcome: Outcome) -> None:
    """Neither GO nor CONDITIONAL."""
    sign_three(request_5a, team, outcome=outcome)

    assert "Review" in refused(ChecklistRed, request_5a, Word.GO, team)
    given = (condition(owner=team.engineer),)
    assert "Review" in refused(ChecklistRed, request_5a, Word.CONDITIONAL, team, conditions=given)


@pytest.mark.parametrize(
    ("severity", "status", "is_blocked"),
    [("critical", "open", True), ("major", "open", True), ("major", "closed", False), ("warning", "open", False)],
)
def test_an_open_finding_of_the_review_blocks_go(
    request_5a: ReleaseRequest, team: Team, severity: str, status: str, is_blocked: bool
) -> None:
    """Critical or major, while it is open."""
    finding = ReviewFinding(severity=Severity(severity), text="a lock is held", status=FindingStatus(status))
    attest(request_5a, by=team.engineer)
    attest_execution(request_5a, by=team.tester)
    write_review(request_5a, by=team.reviewer, findings=(finding,))
    sign_review(request_5a, by=team.reviewer)

    if is_blocked:
        assert "Review" in refused(ChecklistRed, request_5a, Word.GO, team)
    else:
        assert decide(request_5a, Word.GO, by=team.supervisor).word == "GO"


@pytest.mark.parametrize("word", [Word.NO_GO, Word.CONDITIONAL])
def test_reasons_are_asked_for(request_5a: ReleaseRequest, team: Team, word: Word) -> None:
    """At least ten characters, for everything but a plain approval."""
    sign_three(request_5a, team)
    given = (condition(owner=team.engineer),) if word is Word.CONDITIONAL else ()

    assert "reason" in refused(InvalidInput, request_5a, word, team, reason="  short ", conditions=given)


@pytest.mark.parametrize("word", list(Word))
def test_the_meaning_goes_with_the_decision(request_5a: ReleaseRequest, team: Team, word: Word) -> None:
    """Nobody rejects by signing an approval."""
    sign_three(request_5a, team)
    given = (condition(owner=team.engineer),) if word is Word.CONDITIONAL else ()
    for other in set(Word) - {word}:
        meaning = MEANING_OF_WORD[other].value
        assert "meaning" in refused(InvalidInput, request_5a, word, team, meaning=meaning, conditions=given)


def test_conditions_that_are_none(request_5a: ReleaseRequest, team: Team) -> None:
    """CONDITIONAL has some, GO and NO_GO have none; each has a text, an owner who is there, a day to come."""
    sign_three(request_5a, team)
    sound = condition(owner=team.engineer)
    gone = make_team().engineer
    type(gone.person).objects.filter(pk=gone.person.pk).update(is_active=False)

    refused(InvalidInput, request_5a, Word.CONDITIONAL, team)
    refused(InvalidInput, request_5a, Word.GO, team, conditions=(sound,))
    refused(InvalidInput, request_5a, Word.CONDITIONAL, team, conditions=(sound,) * 21)
    for wrong in (condition(owner=team.engineer, text="soon"), condition(owner=gone), condition(owner=gone, days=-1)):
        refused(InvalidInput, request_5a, Word.CONDITIONAL, team, conditions=(sound, wrong))
    refused(InvalidInput, request_5a, Word.CONDITIONAL, team, conditions=(condition(owner=team.engineer, days=-1),))

    assert Condition.objects.count() == 0


def test_deciding_the_same_again_returns_the_decision(request_5a: ReleaseRequest, team: Team) -> None:
    """One signature, one certificate, whatever was clicked twice."""
    sign_three(request_5a, team)

    first = decide(request_5a, Word.GO, by=team.supervisor)
    again = decide(request_5a, Word.GO, by=team.supervisor)

    assert first == again
    assert (Decision.objects.count(), Certificate.objects.count()) == (1, 1)
    assert AuditEntry.objects.filter(act="request.decide", outcome="done").count() == 1


def test_another_decision_is_refused(request_5a: ReleaseRequest, team: Team) -> None:
    """By the same person with another word, and by another person with the same one."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)

    assert "GO by Supervisor" in refused(OtherDecision, request_5a, Word.NO_GO, team)
    refused(OtherDecision, request_5a, Word.GO, make_team())


def test_a_withdrawn_request_is_not_decided(request_5a: ReleaseRequest, team: Team) -> None:
    """Not even refused."""
    actions.withdraw_request(actor=team.opener, request_id=request_5a.pk, reason=WHY)

    assert "WITHDRAWN" in refused(RequestOver, request_5a, Word.NO_GO, team)


def test_only_releases_have_certificates(request_5a: ReleaseRequest, team: Team) -> None:
    """A refusal certifies nothing."""
    decide(request_5a, Word.NO_GO, by=team.supervisor)

    assert Certificate.objects.count() == 0


def test_a_before_use_condition_opens_nothing_until_it_is_closed(request_5a: ReleaseRequest, team: Team) -> None:
    """CONDITIONAL stands, and still nothing may be built on it."""
    sign_three(request_5a, team)
    conditional(request_5a, team, kind=ConditionKind.BEFORE_USE)

    stands = standing("5a", now=timezone.now())

    assert stands.state is RequestState.CONDITIONAL
    assert (stands.opens, stands.effect.may_switch_on, stands.effect.gate_status) == (False, False, 409)


def test_an_overdue_condition_lapses_the_release_by_itself(request_5a: ReleaseRequest, team: Team) -> None:
    """Every reader sees it at once; the row follows with the next write."""
    sign_three(request_5a, team)
    decision = conditional(request_5a, team)
    make_overdue(decision.conditions.get())

    stands = standing("5a", now=timezone.now())

    request_5a.refresh_from_db()
    assert (stands.state, stands.opens) == (RequestState.LAPSED, False)
    assert request_5a.state == RequestState.CONDITIONAL.value
    refused(ReleaseOver, request_5a, Word.GO, team)


def test_a_release_lapses_after_thirty_days(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """And opening the next request writes that down."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)
    outlive(decision)

    assert standing("5a", now=timezone.now()).state is RequestState.LAPSED
    requested(team, build)

    request_5a.refresh_from_db()
    assert request_5a.state == RequestState.LAPSED.value
    assert AuditEntry.objects.filter(act="release.lapse", object=f"request:{request_5a.pk}").exists()


def test_a_later_release_replaces_the_earlier_one(request_5a: ReleaseRequest, team: Team, build: Build) -> None:
    """A refusal does not: what stands goes on standing."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)
    refusal = requested(team, build)
    decide(refusal, Word.NO_GO, by=team.supervisor)
    assert standing("5a", now=timezone.now()).request == request_5a
    for _ in range(2):
        full_run(by=team.runner)
    later = requested(team, build)
    sign_three(later, team)

    decide(later, Word.GO, by=team.supervisor)

    request_5a.refresh_from_db()
    assert request_5a.state == RequestState.SUPERSEDED.value
    assert standing("5a", now=timezone.now()).request == later


def test_a_release_is_revoked_with_a_reason(request_5a: ReleaseRequest, team: Team) -> None:
    """By any supervisor; decision and certificate stay, and release nothing any more."""
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)
    other = make_team().supervisor
    with pytest.raises(InvalidInput):
        actions.revoke_release(actor=other, decision_id=decision.pk, reason="no")

    actions.revoke_release(actor=other, decision_id=decision.pk, reason=WHY)

    assert standing("5a", now=timezone.now()).state is RequestState.REVOKED
    assert Decision.objects.get() == decision
    with pytest.raises(ReleaseOver):
        actions.revoke_release(actor=other, decision_id=decision.pk, reason=WHY)


def test_what_cannot_be_revoked(request_5a: ReleaseRequest, team: Team) -> None:
    """A refusal, a decision that does not exist, and nothing by anybody but a supervisor."""
    decision = decide(request_5a, Word.NO_GO, by=team.supervisor)

    with pytest.raises(ReleaseOver):
        actions.revoke_release(actor=team.supervisor, decision_id=decision.pk, reason=WHY)
    with pytest.raises(NotFound):
        actions.revoke_release(actor=team.supervisor, decision_id=999_999, reason=WHY)
    with pytest.raises(NotAllowed):
        actions.revoke_release(actor=team.reviewer, decision_id=decision.pk, reason=WHY)


@pytest.mark.parametrize("word", ["GO", "CONDITIONAL"])
def test_the_database_itself_refuses_a_release_without_its_signatures(
    request_5a: ReleaseRequest, team: Team, word: str
) -> None:
    """Somebody writes the rows by hand: a decision without three seats, and a state without a decision."""
    sign_off = attest(request_5a, by=team.engineer)
    by_hand = {
        "request": request_5a,
        "number": 1,
        "word": word,
        "sign_off": sign_off,
        "valid_until": timezone.now() + timedelta(days=1),
        "decided_at": timezone.now(),
        "content": "{}",
        "digest": "1" * 64,
    }

    with pytest.raises(Exception, match="stands on the signatures"), transaction.atomic():
        Decision.objects.create(**by_hand)
    with pytest.raises(Exception, match="follows its decisions"), transaction.atomic():
        ReleaseRequest.objects.filter(pk=request_5a.pk).update(state=word)


def test_a_state_cannot_be_turned_back(request_5a: ReleaseRequest, team: Team) -> None:
    """Not by SQL either: what was refused stays refused."""
    decide(request_5a, Word.NO_GO, by=team.supervisor)

    for state in ("OPEN", "GO"):
        with pytest.raises(Exception, match="follows its decisions"), transaction.atomic():
            ReleaseRequest.objects.filter(pk=request_5a.pk).update(state=state)


def test_a_forged_state_alone_releases_nothing(request_5a: ReleaseRequest) -> None:
    """Even with the triggers gone: a GO without a decision has no end and counts as lapsed."""
    with without_triggers():
        ReleaseRequest.objects.filter(pk=request_5a.pk).update(state="GO")
    request_5a.refresh_from_db()

    assert state_of(request_5a, now=timezone.now()) is RequestState.LAPSED
    assert Seat.SUPERVISOR.value not in SignOff.objects.values_list("seat", flat=True)
