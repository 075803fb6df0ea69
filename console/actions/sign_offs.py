"""Signing: attestation, execution and review, each in its seat; taking a signature back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from console.eligibility import ROLE_OF_SEAT, why_not, why_not_in_order, why_not_yet
from console.kernel import audit
from console.kernel.acts import Actor, action, signed_action
from console.kernel.authority import Act
from console.kernel.errors import EvidenceChanged, InvalidInput, NotFound
from console.kernel.reauthentication import Reauthentication
from console.models import Decision, ReleaseRequest, Review, SignOff, SignOffWithdrawal
from console.release_states import MEANINGS, Meaning, Seat
from console.releases import facts_of, standing_sign_offs
from console.review_content import missing_of
from ledger import canonical_bytes, digest_of, gettext_noop

from .intact import require_intact
from .refusals import NotWithdrawable, NotYours, ReviewIncomplete
from .writing import (
    REASON_LENGTH_MAX,
    bounded,
    instant,
    known_zone,
    label_of,
    manifest_of,
    move,
    request_for_update,
    require_open,
    require_seen,
    required_reason,
)


def sign_seat(
    *,
    actor: Actor,
    request_id: int,
    seat: Seat,
    manifest_digest: str,
    meaning: str,
    password: str,
    zone: str,
    reason: str = "",
) -> SignOff:
    """Sign as engineer or tester. `manifest_digest` is the one the person saw; `zone` their time zone (IANA name).

    Signing again what stands returns it. Raises what `signed_action` does, `EvidenceChanged`, `EvidenceAltered`,
    `RequestOver`, `RequestExpired`, `SeatRefused`, `SeatTaken`, `SeatNotYet`, `InvalidInput`.
    """
    acts = {Seat.ENGINEER: _attest, Seat.TESTER: _sign_as_tester}
    if seat not in acts:
        raise InvalidInput(field="seat", reason=gettext_noop("signed by a review or a decision"))
    return acts[seat](
        actor=actor,
        password=password,
        request_id=request_id,
        manifest_digest=manifest_digest,
        meaning=meaning,
        zone=zone,
        reason=reason,
    )


@signed_action(Act.ATTEST_IMPLEMENTATION, target="request:{request_id}")
def _attest(*, actor: Actor, signed: Reauthentication, request_id: int, **given: Any) -> SignOff:
    return _sign_seat(actor=actor, signed=signed, request_id=request_id, seat=Seat.ENGINEER, **given)


@signed_action(Act.SIGN_AS_TESTER, target="request:{request_id}")
def _sign_as_tester(*, actor: Actor, signed: Reauthentication, request_id: int, **given: Any) -> SignOff:
    return _sign_seat(actor=actor, signed=signed, request_id=request_id, seat=Seat.TESTER, **given)


def _sign_seat(
    *,
    actor: Actor,
    signed: Reauthentication,
    request_id: int,
    seat: Seat,
    manifest_digest: str,
    meaning: str,
    zone: str,
    reason: str,
) -> SignOff:
    now = timezone.now()
    request = request_for_update(request_id)
    standing = standing_sign_offs(request).get(seat)
    if standing and (standing.person_id, standing.manifest_digest) == (actor.person.pk, manifest_digest):
        return standing
    require_open(request, now=now)
    require_seen(request, manifest_digest=manifest_digest)
    require_person(request, seat=seat, actor=actor)
    _require_turn(request, seat=seat)
    require_intact(request)
    sign_off = write_sign_off(
        request, seat=seat, actor=actor, signed=signed, meaning=meaning, zone=zone, reason=reason, now=now
    )
    move(request)
    _record(actor, _ACTS[seat], sign_off, rows=(sign_off, request))
    return sign_off


@signed_action(Act.SIGN_AS_REVIEWER, target="request:{request_id}")
def sign_review(
    *,
    actor: Actor,
    signed: Reauthentication,
    request_id: int,
    manifest_digest: str,
    review_digest: str,
    meaning: str,
    zone: str,
) -> SignOff:
    """Sign the actor's own review as reviewer: from then on it does not change. Callers pass `password`.

    Both digests are those the person saw. Signing again what stands returns it. Raises as `sign_seat`, and `NotFound`
    without a draft, `ReviewIncomplete`.
    """
    now = timezone.now()
    request = request_for_update(request_id)
    standing = standing_sign_offs(request).get(Seat.REVIEWER)
    if standing and (standing.person_id, standing.review_digest) == (actor.person.pk, review_digest):
        return standing
    require_open(request, now=now)
    require_seen(request, manifest_digest=manifest_digest)
    require_person(request, seat=Seat.REVIEWER, actor=actor)
    _require_turn(request, seat=Seat.REVIEWER)
    review = Review.objects.filter(request=request, reviewer=actor.person, signed_at__isnull=True).first()
    if review is None:
        raise NotFound(what=f"a draft of yours for request #{request_id}")
    _require_review(review, seen=review_digest, request=request)
    require_intact(request)
    review.signed_at = now
    review.save(update_fields=["signed_at"])
    sign_off = write_sign_off(
        request, seat=Seat.REVIEWER, actor=actor, signed=signed, meaning=meaning, zone=zone, now=now, review=review
    )
    move(request)
    _record(actor, Act.SIGN_AS_REVIEWER, sign_off, rows=(sign_off, review, request))
    return sign_off


@action(Act.WITHDRAW_SIGN_OFF, target="sign_off:{sign_off_id}")
def withdraw_sign_off(*, actor: Actor, sign_off_id: int, reason: str) -> SignOffWithdrawal:
    """Take one's own signature back while the request is open; the signature stays on record.

    Raises `NotFound`, `NotYours`, `NotWithdrawable`, `RequestOver`, `RequestExpired`, `InvalidInput` (reason).
    """
    now = timezone.now()
    reason = required_reason(reason)
    sign_off = SignOff.objects.select_related("person").filter(pk=sign_off_id).first()
    if sign_off is None:
        raise NotFound(what=f"sign-off {sign_off_id}")
    if sign_off.person_id != actor.person.pk:
        raise NotYours(what=f"sign-off {sign_off_id}", owner=str(sign_off.person))
    if Decision.objects.filter(sign_off=sign_off).exists():
        raise NotWithdrawable(reason=gettext_noop("it is a decision, which is revoked instead"))
    request = request_for_update(sign_off.request_id)
    require_open(request, now=now)
    if SignOffWithdrawal.objects.filter(sign_off=sign_off).exists():
        raise NotWithdrawable(reason=gettext_noop("it was withdrawn before"))
    row = SignOffWithdrawal.objects.create(sign_off=sign_off, person=actor.person, reason=reason, at=now)
    move(request)
    audit.record(
        actor=actor,
        act=Act.WITHDRAW_SIGN_OFF,
        object=f"sign_off:{sign_off_id}",
        after={"request": request.pk, "seat": sign_off.seat, "reason": reason},
        rows=(row, request),
    )
    return row


def require_person(request: ReleaseRequest, *, seat: Seat, actor: Actor) -> None:
    """Refuse unless this person may fill this seat. Raises a `SeatRefused`."""
    facts = facts_of(request, signed=standing_sign_offs(request))
    refusal = why_not(seat, actor.person.pk, roles=actor.person.roles, facts=facts)
    if refusal is not None:
        raise refusal


def require_order(request: ReleaseRequest, *, seat: Seat) -> None:
    """Refuse unless the seats before this one are signed. Raises `SeatNotYet`."""
    refusal = why_not_in_order(seat, facts=facts_of(request, signed=standing_sign_offs(request)))
    if refusal is not None:
        raise refusal


def write_sign_off(
    request: ReleaseRequest,
    *,
    seat: Seat,
    actor: Actor,
    signed: Reauthentication,
    meaning: str,
    zone: str,
    now: datetime,
    reason: str = "",
    review: Review | None = None,
) -> SignOff:
    """Write the signature of a seat with the canonical content it stands for. Raises `InvalidInput`."""
    if meaning not in {one.value for one in MEANINGS[seat]}:
        raise InvalidInput(field="meaning", reason=gettext_noop("choose what you mean by signing"))
    number = request.sign_offs.filter(seat=seat.value).count() + 1
    reason = bounded(reason, field="reason", length_max=REASON_LENGTH_MAX)
    content = {
        "format": 1,
        "kind": "sign-off",
        "request": request.pk,
        "phase": request.phase.code,
        "build": request.build.tree_digest,
        "seat": seat.value,
        "number": number,
        "person": actor.person.pk,
        "username": actor.person.username,
        "printed_name": label_of(actor),
        "role": ROLE_OF_SEAT[seat].value,
        "meaning": meaning,
        "manifest": request.manifest_digest,
        "review": review.digest if review else "",
        "reason": reason,
        "signed_at": instant(now),
        "zone": known_zone(zone),
        "method": signed.method,
        "authenticated_at": instant(signed.at),
    }
    return SignOff.objects.create(
        request=request,
        seat=seat.value,
        number=number,
        person=actor.person,
        printed_name=label_of(actor),
        role=ROLE_OF_SEAT[seat].value,
        meaning=Meaning(meaning).value,
        manifest_digest=request.manifest_digest,
        review=review,
        review_digest=review.digest if review else "",
        reason=reason,
        signed_at=now,
        zone=zone,
        method=signed.method,
        authenticated_at=signed.at,
        content=canonical_bytes(content).decode(),
        digest=digest_of(content),
    )


def _require_turn(request: ReleaseRequest, *, seat: Seat) -> None:
    refusal = why_not_yet(seat, facts=facts_of(request, signed=standing_sign_offs(request)))
    if refusal is not None:
        raise refusal


_ACTS = {Seat.ENGINEER: Act.ATTEST_IMPLEMENTATION, Seat.TESTER: Act.SIGN_AS_TESTER}


def _require_review(review: Review, *, seen: str, request: ReleaseRequest) -> None:
    if review.digest != seen:
        raise EvidenceChanged(seen=seen[:12], current=review.digest[:12])
    manifest = manifest_of(request)
    to_answer = [run["run"] for run in manifest["runs"] if run["needs_answer"]]
    content = {
        name: getattr(review, name) for name in ("scope", "readiness", "outcome", "run_answers", "proposed_conditions")
    }
    missing = missing_of(content, to_answer=to_answer)
    if missing is not None:
        raise ReviewIncomplete(missing=missing)


def _record(actor: Actor, act: Act, sign_off: SignOff, *, rows: tuple[Any, ...]) -> None:
    audit.record(
        actor=actor,
        act=act,
        object=f"request:{sign_off.request_id}",
        after={
            "sign_off": sign_off.pk,
            "seat": sign_off.seat,
            "meaning": sign_off.meaning,
            "manifest": sign_off.manifest_digest,
            "review": sign_off.review_digest,
            "digest": sign_off.digest,
        },
        rows=rows,
    )
