"""Waivers: asked for by one person, answered by another, valid until a day; never for what is critical."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import InvalidInput, NotFound
from console.models import Phase, Waiver, WaiverAnswer
from ledger import gettext_noop
from testruns.actions import active_policy, rules_of
from testruns.models import Build
from testruns.overlay import why_not_waivable

from .refusals import NotWaivable, OwnWaiverAnswer, WaiverAnswered, WaiverExpired
from .writing import required_reason


@action(Act.REQUEST_WAIVER, target="rule:{rule_code}")
def request_waiver(
    *, actor: Actor, phase: str, build_id: int, rule_code: str, reason: str, expires_at: datetime
) -> Waiver:
    """Ask that one rule of the active policy be tolerated for a phase and a build. It counts in requests opened later.

    Asking for the same while it waits for an answer returns what waits. Raises `NotFound`, `NotWaivable`,
    `InvalidInput` (reason; expires_at beyond the policy's days or not in the future), `NoActivePolicy`.
    """
    now = timezone.now()
    reason = required_reason(reason)
    policy = active_policy()
    row = Phase.objects.filter(code=phase).first()
    build = Build.objects.filter(pk=build_id).first()
    if row is None or build is None:
        raise NotFound(what=f"phase {phase} or build {build_id}")
    content = rules_of(policy)
    rule = next((one for one in content.rules if one.code == rule_code), None)
    if rule is None:
        raise NotFound(what=f"rule {rule_code}")
    why = why_not_waivable(rule)
    if why:
        raise NotWaivable(rule=rule_code, reason=why % {"code": rule_code})
    days = content.values.waiver_days_max
    if not now < expires_at <= now + timedelta(days=days):
        raise InvalidInput(
            field="expires_at", reason=gettext_noop("in the future, and no later than the policy allows")
        )
    waiting = Waiver.objects.filter(
        phase=row, build=build, policy=policy, rule_code=rule_code, requested_by=actor.person, answer__isnull=True
    )
    same = waiting.filter(reason=reason, expires_at=expires_at).first()
    if same is not None:
        return same
    waiver = Waiver.objects.create(
        phase=row,
        build=build,
        policy=policy,
        rule_code=rule_code,
        reason=reason,
        requested_by=actor.person,
        requested_at=now,
        expires_at=expires_at,
    )
    audit.record(
        actor=actor,
        act=Act.REQUEST_WAIVER,
        object=f"waiver:{waiver.pk}",
        after={
            "phase": phase,
            "build": build.tree_digest,
            "rule": rule_code,
            "reason": reason,
            "expires_at": expires_at.isoformat(timespec="seconds"),
        },
        rows=(waiver,),
    )
    return waiver


@action(Act.APPROVE_WAIVER, target="waiver:{waiver_id}")
def answer_waiver(*, actor: Actor, waiver_id: int, is_approved: bool, reason: str) -> WaiverAnswer:
    """Approve or deny somebody else's waiver. The same answer again returns the first one.

    Raises `NotFound`, `OwnWaiverAnswer`, `WaiverAnswered`, `WaiverExpired`, `InvalidInput` (reason).
    """
    now = timezone.now()
    reason = required_reason(reason)
    rows = Waiver.objects.select_for_update(of=("self",)).select_related("answer__answered_by")
    waiver = rows.filter(pk=waiver_id).first()
    if waiver is None:
        raise NotFound(what=f"waiver {waiver_id}")
    if waiver.requested_by_id == actor.person.pk:
        raise OwnWaiverAnswer(waiver=waiver_id)
    if hasattr(waiver, "answer"):
        if (waiver.answer.answered_by_id, waiver.answer.is_approved) == (actor.person.pk, is_approved):
            return waiver.answer
        raise WaiverAnswered(waiver=waiver_id, person=str(waiver.answer.answered_by))
    if waiver.expires_at <= now:
        raise WaiverExpired(waiver=waiver_id)
    answer = WaiverAnswer.objects.create(
        waiver=waiver, is_approved=is_approved, answered_by=actor.person, at=now, reason=reason
    )
    audit.record(
        actor=actor,
        act=Act.APPROVE_WAIVER,
        object=f"waiver:{waiver_id}",
        after={"is_approved": is_approved, "rule": waiver.rule_code, "reason": reason},
        rows=(answer,),
    )
    return answer
