"""Deciding about a release request, and revoking a release: the supervisor's signature is the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from console.checklist import blockers
from console.kernel import audit
from console.kernel.acts import Actor, action, signed_action
from console.kernel.authority import Act
from console.kernel.errors import InvalidInput, NotFound
from console.kernel.models import Person
from console.kernel.reauthentication import Reauthentication
from console.models import Condition, Decision, ReleaseRequest, Revocation, SignOff
from console.release_states import (
    MEANING_OF_WORD,
    ClosingRule,
    ConditionKind,
    RequestState,
    Seat,
    Word,
    reason_needed,
    words_allowed,
)
from console.releases import (
    Checked,
    Look,
    check_request,
    conditions_of,
    is_closed,
    last_decision_of,
    standing_sign_offs,
    state_of,
)
from ledger import canonical_bytes, digest_of, gettext_noop

from .certificates import issue
from .intact import require_intact
from .refusals import ChecklistRed, OtherDecision, ReleaseOver, WordNotAllowed
from .sign_offs import require_order, require_person, write_sign_off
from .writing import (
    bounded,
    instant,
    move,
    request_for_update,
    require_open,
    require_seen,
    required_reason,
    write_down_states,
)

CONDITIONS_MAX = 20
CONDITION_LENGTH_MIN, CONDITION_LENGTH_MAX = 10, 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCondition:
    """A condition as the supervisor words it. owner: a person's number. due_date: the last day, UTC."""

    text: str
    kind: ConditionKind
    owner: int
    due_date: date
    closing_rule: ClosingRule = ClosingRule.EVIDENCE


@signed_action(Act.DECIDE_RELEASE, target="request:{request_id}")
def decide(
    *,
    actor: Actor,
    signed: Reauthentication,
    request_id: int,
    word: Word,
    manifest_digest: str,
    meaning: str,
    zone: str,
    reason: str = "",
    conditions: tuple[NewCondition, ...] = (),
) -> Decision:
    """Decide GO, CONDITIONAL or NO_GO; GO again, once every condition of a CONDITIONAL is closed.

    Callers pass `password`; `manifest_digest` is the one the person saw, `zone` their time zone (IANA name).
    The same person deciding the same again gets their decision back; any other decision is refused. Raises what
    `signed_action` does, `OtherDecision`, `RequestExpired`, `RequestOver`, `ReleaseOver`, `EvidenceChanged`,
    `EvidenceAltered`, `SeatRefused`, `SeatNotYet`, `WordNotAllowed`, `ChecklistRed`, `InvalidInput`.
    """
    now = timezone.now()
    request = request_for_update(request_id)
    earlier = last_decision_of(request)
    if earlier is not None and not _is_closing(request, earlier, word=word):
        return _repeated(earlier, actor=actor, word=word)
    if earlier is not None:
        _require_standing(request, now=now)
    else:
        require_open(request, now=now)
    require_seen(request, manifest_digest=manifest_digest)
    require_person(request, seat=Seat.SUPERVISOR, actor=actor)
    checked = _require_word(request, word=word, now=now)
    require_intact(request)
    _require_conditions(conditions, word=word, now=now)
    if meaning != MEANING_OF_WORD[word].value:
        raise InvalidInput(field="meaning", reason=gettext_noop("choose the meaning that goes with the decision"))
    reason = required_reason(reason) if reason_needed(word) else reason
    sign_off = write_sign_off(
        request, seat=Seat.SUPERVISOR, actor=actor, signed=signed, meaning=meaning, zone=zone, reason=reason, now=now
    )
    valid_until = None if word is Word.NO_GO else checked.valid_until(request.policy, now=now)
    decision = _write(request, sign_off=sign_off, word=word, conditions=conditions, valid_until=valid_until, now=now)
    written = _write_conditions(decision, conditions)
    move(request, to=RequestState(word.value))
    superseded = _supersede(request, now=now) if word is not Word.NO_GO else []
    _record(actor, decision, rows=(sign_off, decision, *written, request, *superseded))
    if word is not Word.NO_GO:
        issue(decision=decision, now=now)
    return decision


@action(Act.REVOKE_RELEASE, target="decision:{decision_id}")
def revoke_release(*, actor: Actor, decision_id: int, reason: str) -> Revocation:
    """Take a standing release back. Raises `NotFound`, `ReleaseOver`, `InvalidInput` (reason)."""
    now = timezone.now()
    reason = required_reason(reason)
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise NotFound(what=f"decision {decision_id}")
    request = request_for_update(decision.request_id)
    _require_standing(request, now=now)
    if last_decision_of(request) != decision:
        raise ReleaseOver(request=request.pk, state=RequestState.SUPERSEDED.value)
    revocation = Revocation.objects.create(decision=decision, person=actor.person, reason=reason, at=now)
    before = request.state
    move(request, to=RequestState.REVOKED)
    audit.record(
        actor=actor,
        act=Act.REVOKE_RELEASE,
        object=f"decision:{decision_id}",
        before={"state": before},
        after={"state": request.state, "request": request.pk, "reason": reason},
        rows=(revocation, request),
    )
    return revocation


def _record(actor: Actor, decision: Decision, *, rows: tuple[Any, ...]) -> None:
    audit.record(
        actor=actor,
        act=Act.DECIDE_RELEASE,
        object=f"request:{decision.request_id}",
        after={
            "word": decision.word,
            "number": decision.number,
            "decision": decision.pk,
            "digest": decision.digest,
            "sign_off": decision.sign_off.digest,
            "manifest": decision.sign_off.manifest_digest,
            "reason": decision.reason,
        },
        rows=rows,
    )


def _is_closing(request: ReleaseRequest, earlier: Decision, *, word: Word) -> bool:
    """Whether this is the GO after a CONDITIONAL. Open conditions then stand in the checklist, against it."""
    return word is Word.GO and earlier.word == Word.CONDITIONAL.value and request.state == earlier.word


def _repeated(earlier: Decision, *, actor: Actor, word: Word) -> Decision:
    sign_off = earlier.sign_off
    if sign_off.person_id == actor.person.pk and earlier.word == word.value:
        return earlier
    raise OtherDecision(request=earlier.request_id, word=earlier.word, person=sign_off.printed_name)


def _require_standing(request: ReleaseRequest, *, now: datetime) -> None:
    state = state_of(request, now=now)
    if not state.is_release:
        raise ReleaseOver(request=request.pk, state=state.value)


def _require_word(request: ReleaseRequest, *, word: Word, now: datetime) -> Checked:
    """Refuse a release before its seats are signed, more than the machine recommends, what the checklist forbids."""
    if word is not Word.NO_GO:
        require_order(request, seat=Seat.SUPERVISOR)
    checked = check_request(request, look=Look(now=now))
    allowed = words_allowed(checked.recommendation)
    if word not in allowed:
        raise WordNotAllowed(
            recommendation=checked.recommendation.value,
            word=word.value,
            allowed=", ".join(one.value for one in Word if one in allowed),
        )
    red = blockers(checked.items, word)
    if red:
        raise ChecklistRed(word=word.value, items=tuple(item.title for item in red))
    return checked


def _require_conditions(conditions: Sequence[NewCondition], *, word: Word, now: datetime) -> None:
    if (word is Word.CONDITIONAL) != bool(conditions):
        raise InvalidInput(field="conditions", reason=gettext_noop("CONDITIONAL has at least one, others none"))
    if len(conditions) > CONDITIONS_MAX:
        raise InvalidInput(field="conditions", reason=gettext_noop("too many"))
    owners = {condition.owner for condition in conditions}
    if Person.objects.filter(pk__in=owners, is_active=True).count() != len(owners):
        raise InvalidInput(field="conditions", reason=gettext_noop("each has an active person as its owner"))
    for condition in conditions:
        text = bounded(condition.text, field="conditions", length_max=CONDITION_LENGTH_MAX)
        if len(text) < CONDITION_LENGTH_MIN:
            raise InvalidInput(field="conditions", reason=gettext_noop("each says at least 10 characters"))
        if condition.due_date < now.date():
            raise InvalidInput(field="conditions", reason=gettext_noop("each is due today or later"))


def _write(
    request: ReleaseRequest,
    *,
    sign_off: SignOff,
    word: Word,
    conditions: Sequence[NewCondition],
    valid_until: datetime | None,
    now: datetime,
) -> Decision:
    content = _content(request, sign_off=sign_off, word=word, conditions=conditions, valid_until=valid_until, now=now)
    return Decision.objects.create(
        request=request,
        number=content["number"],
        word=word.value,
        sign_off=sign_off,
        valid_until=valid_until,
        reason=sign_off.reason,
        decided_at=now,
        content=canonical_bytes(content).decode(),
        digest=digest_of(content),
    )


def _content(
    request: ReleaseRequest,
    *,
    sign_off: SignOff,
    word: Word,
    conditions: Sequence[NewCondition],
    valid_until: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """What the decision binds by digest: manifest, review, the standing sign-offs, conditions and their closings."""
    standing = standing_sign_offs(request) | {Seat.SUPERVISOR: sign_off}
    review = standing[Seat.REVIEWER].review_digest if Seat.REVIEWER in standing else ""
    return {
        "format": 1,
        "kind": "decision",
        "request": request.pk,
        "phase": request.phase.code,
        "build": request.build.tree_digest,
        "number": request.decisions.count() + 1,
        "word": word.value,
        "manifest": request.manifest_digest,
        "policy": request.policy.digest,
        "review": review,
        "sign_offs": {seat.value: one.digest for seat, one in standing.items()},
        "conditions": [_condition(one) for one in conditions],
        "closings": [one.confirmation.closing.digest for one in conditions_of(request) if is_closed(one)],
        "reason": sign_off.reason,
        "decided_at": instant(now),
        "valid_until": instant(valid_until) if valid_until else "",
    }


def _condition(condition: NewCondition) -> dict[str, Any]:
    return {
        "text": condition.text.strip(),
        "kind": condition.kind.value,
        "owner": condition.owner,
        "due_date": condition.due_date.isoformat(),
        "closing_rule": condition.closing_rule.value,
    }


def _write_conditions(decision: Decision, conditions: Sequence[NewCondition]) -> list[Condition]:
    return [
        Condition.objects.create(
            decision=decision,
            number=number,
            text=condition.text.strip(),
            kind=condition.kind.value,
            owner_id=condition.owner,
            due_date=condition.due_date,
            closing_rule=condition.closing_rule.value,
        )
        for number, condition in enumerate(conditions, start=1)
    ]


def _supersede(request: ReleaseRequest, *, now: datetime) -> list[ReleaseRequest]:
    """A release replaces the one of the phase that stood until now; what lapsed meanwhile is written down as lapsed."""
    write_down_states(phase_id=request.phase_id, now=now)
    states = [RequestState.GO.value, RequestState.CONDITIONAL.value]
    earlier = ReleaseRequest.objects.select_for_update().filter(phase_id=request.phase_id, state__in=states)
    superseded = list(earlier.exclude(pk=request.pk))
    for one in superseded:
        move(one, to=RequestState.SUPERSEDED)
    return superseded
