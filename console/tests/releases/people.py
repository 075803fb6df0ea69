"""The people of a release and what they do, as short as a test can say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console import actions
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.models import Decision, ReleaseRequest, Review, SignOff
from console.release_states import MEANING_OF_WORD, MEANINGS, ConditionKind, Outcome, Seat, Word
from console.review_content import ProposedCondition, ReviewDraft, RunAnswer
from console.tests.people import PASSWORD, person_with

ZONE = "Europe/Berlin"
WHY = "because the evidence says so"


@dataclass(frozen=True, kw_only=True)
class Team:
    """One person per seat, and the two whose work it is: a second tester ran the suite, a second engineer opens."""

    engineer: Actor
    tester: Actor
    reviewer: Actor
    supervisor: Actor
    runner: Actor
    opener: Actor


def make_team() -> Team:
    """New people who have set passwords of their own."""
    return Team(
        engineer=signer(Role.ENGINEER),
        tester=signer(Role.TESTER),
        reviewer=signer(Role.REVIEWER),
        supervisor=signer(Role.SUPERVISOR),
        runner=signer(Role.TESTER),
        opener=signer(Role.ENGINEER),
    )


def signer(*roles: Role, **values: Any) -> Actor:
    """Somebody with these roles and a password of their own."""
    person = person_with(*roles, **values)
    person.password_is_own = True
    person.printed_name = f"{'/'.join(roles).title()} {person.pk}"
    person.save(update_fields=["password_is_own", "printed_name"])
    return Actor(person=person, via="console")


def attest(request: ReleaseRequest, *, by: Actor, **changes: Any) -> SignOff:
    """The engineer's signature."""
    return _sign(request, Seat.ENGINEER, by=by, **changes)


def attest_execution(request: ReleaseRequest, *, by: Actor, **changes: Any) -> SignOff:
    """The tester's signature."""
    return _sign(request, Seat.TESTER, by=by, **changes)


def write_review(request: ReleaseRequest, *, by: Actor, outcome: Outcome = Outcome.APPROVE, **changes: Any) -> Review:
    """A complete draft that answers whatever the request asks for."""
    answers = tuple(
        RunAnswer(run=bound.run_id, answer="its machine was shared with a build")
        for bound in request.bound_runs.filter(needs_answer=True)
    )
    values: dict[str, Any] = {
        "scope": "all gates, both deciding runs",
        "run_answers": answers,
        "readiness": 9,
        "outcome": outcome,
        "proposed_conditions": (
            (ProposedCondition(text="watch memory for a week"),) if outcome is Outcome.CONDITIONAL else ()
        ),
    }
    return actions.save_review(actor=by, request_id=request.pk, content=ReviewDraft(**(values | changes)))


def sign_review(request: ReleaseRequest, *, by: Actor, **changes: Any) -> SignOff:
    """The reviewer's signature under the draft there is."""
    draft = Review.objects.filter(request=request, reviewer=by.person, signed_at__isnull=True).first()
    values = {
        "request_id": request.pk,
        "manifest_digest": request.manifest_digest,
        "review_digest": draft.digest if draft else "0" * 64,
        "meaning": MEANINGS[Seat.REVIEWER][0].value,
        "password": PASSWORD,
        "zone": ZONE,
    }
    return actions.sign_review(actor=by, **(values | changes))


def decide(request: ReleaseRequest, word: Word, *, by: Actor, **changes: Any) -> Decision:
    """The supervisor's decision."""
    values: dict[str, Any] = {
        "request_id": request.pk,
        "word": word,
        "manifest_digest": request.manifest_digest,
        "meaning": MEANING_OF_WORD[word].value,
        "password": PASSWORD,
        "zone": ZONE,
        "reason": "" if word is Word.GO else WHY,
    }
    return actions.decide(actor=by, **(values | changes))


def condition(*, owner: Actor, kind: ConditionKind = ConditionKind.AFTER_USE, days: int = 7, **changes: Any) -> Any:
    """A condition for a CONDITIONAL, due in so many days."""
    values: dict[str, Any] = {
        "text": "watch the memory of the writer for a week",
        "kind": kind,
        "owner": owner.person.pk,
        "due_date": (timezone.now() + timedelta(days=days)).date(),
    }
    return actions.NewCondition(**(values | changes))


def sign_three(request: ReleaseRequest, team: Team, *, outcome: Outcome = Outcome.APPROVE) -> None:
    """Engineer, tester and reviewer have signed."""
    attest(request, by=team.engineer)
    attest_execution(request, by=team.tester)
    write_review(request, by=team.reviewer, outcome=outcome)
    sign_review(request, by=team.reviewer)


def _sign(request: ReleaseRequest, seat: Seat, *, by: Actor, **changes: Any) -> SignOff:
    values: dict[str, Any] = {
        "request_id": request.pk,
        "seat": seat,
        "manifest_digest": request.manifest_digest,
        "meaning": MEANINGS[seat][0].value,
        "password": PASSWORD,
        "zone": ZONE,
    }
    return actions.sign_seat(actor=by, **(values | changes))
