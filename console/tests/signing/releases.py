"""A release as people make it: judged runs, a request, a review, four signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.actions.conditions import close_condition, confirm_condition
from console.actions.deciding import NewCondition, decide
from console.actions.live_verification import verify_live_journal
from console.actions.release_requests import open_request
from console.actions.reviews import save_review
from console.actions.sign_offs import sign_review, sign_seat
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.models import Certificate, Condition, Decision, ReleaseRequest
from console.release_states import MEANING_OF_WORD, ClosingRule, ConditionKind, Meaning, Outcome, Seat, Word
from console.review_content import ReviewDraft
from console.tests.browser.rows import make_judged_run
from console.tests.people import PASSWORD, person_with
from console.tests.prepared import prepared
from testruns.evidence import store

SOAK_SECONDS = 1800
FEW_POINTS = 20  # nobody looks at the charts of these runs
ZONE = "Europe/Berlin"


@dataclass(frozen=True, kw_only=True)
class Released:
    """A decided request, its certificate, and the people of its seats."""

    request: ReleaseRequest
    decision: Decision
    certificate: Certificate
    people: dict[Seat, Actor]


def signer(role: Role, name: str) -> Actor:
    """Someone who may sign: with a role and a password of their own."""
    person = person_with(role)
    person.printed_name, person.password_is_own = name, True
    person.save()
    return Actor(person=person, via="console")


def release(word: Word = Word.GO, *, phase: str = "5a", **condition: Any) -> Released:
    """Carry one release through, from the runs to the decision."""
    return prepared(f"release {word} {phase} {condition}", lambda: _released(word, phase=phase, **condition))


def _released(word: Word, *, phase: str, **condition: Any) -> Released:
    opener = signer(Role.TESTER, "Otto Opener")
    runs = [
        make_judged_run(person=opener.person, soak_seconds=SOAK_SECONDS, profile="full", seed=seed, points=FEW_POINTS)
        for seed in (41, 42)
    ]
    people = {
        Seat.ENGINEER: signer(Role.ENGINEER, "Erin Engineer"),
        Seat.TESTER: signer(Role.TESTER, "Tess Tester"),
        Seat.REVIEWER: signer(Role.REVIEWER, "Rae Reviewer"),
        Seat.SUPERVISOR: signer(Role.SUPERVISOR, "Sünje Supervisor"),
    }
    verify_live_journal(actor=people[Seat.ENGINEER])
    request = open_request(actor=opener, phase=phase, build_id=runs[0].build_id)
    seen: dict[str, Any] = {"request_id": request.pk, "manifest_digest": request.manifest_digest}
    signing = {**seen, "password": PASSWORD, "zone": ZONE}
    for seat, meaning in ((Seat.ENGINEER, Meaning.AUTHORSHIP), (Seat.TESTER, Meaning.EXECUTION)):
        sign_seat(actor=people[seat], seat=seat, meaning=meaning.value, **signing)
    draft = ReviewDraft(scope="All seven scenarios.", readiness=8, outcome=Outcome.APPROVE)
    review = save_review(actor=people[Seat.REVIEWER], request_id=request.pk, content=draft)
    sign_review(actor=people[Seat.REVIEWER], review_digest=review.digest, meaning=Meaning.REVIEW.value, **signing)
    decision = _decide(people, word, signing, **condition)
    return Released(
        request=ReleaseRequest.objects.get(pk=request.pk),
        decision=decision,
        certificate=decision.certificate,
        people=people,
    )


def close_and_go(released: Released) -> Released:
    """Close every condition with a file or a run, as its rule asks, have it confirmed, and decide GO."""
    owner, supervisor = released.people[Seat.TESTER], released.people[Seat.SUPERVISOR]
    proof = store(content=b"tested again", media_type="text/plain")
    for condition in Condition.objects.filter(decision=released.decision):
        given: dict[str, Any] = {"evidence_digest": proof.digest}
        if condition.closing_rule == ClosingRule.GO_RUN.value:
            run = make_judged_run(person=owner.person, soak_seconds=SOAK_SECONDS, profile="full", seed=43)
            given = {"run_id": run.pk}
        close_condition(actor=owner, condition_id=condition.pk, note="Tested again, all green.", **given)
        confirm_condition(actor=supervisor, condition_id=condition.pk)
    request = ReleaseRequest.objects.get(pk=released.request.pk)
    signing = {"request_id": request.pk, "manifest_digest": request.manifest_digest}
    decision = _decide(released.people, Word.GO, {**signing, "password": PASSWORD, "zone": ZONE})
    return Released(request=request, decision=decision, certificate=decision.certificate, people=released.people)


def _decide(people: dict[Seat, Actor], word: Word, signing: dict[str, Any], **condition: Any) -> Decision:
    conditions = [
        NewCondition(
            text="Re-test within 7 days.",
            owner=people[Seat.TESTER].person.pk,
            **{
                "kind": ConditionKind.AFTER_USE,
                "due_date": (timezone.now() + timedelta(days=7)).date(),
                **condition,
            },
        )
    ]
    return decide(
        actor=people[Seat.SUPERVISOR],
        word=word,
        meaning=MEANING_OF_WORD[word].value,
        reason="" if word is Word.GO else "One warning is left to look at.",
        conditions=tuple(conditions) if word is Word.CONDITIONAL else (),
        **signing,
    )
