"""Closing the conditions of a CONDITIONAL release: their owner closes with proof, a supervisor confirms."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound, SecondPersonNeeded
from console.models import Condition, ConditionClosing, ConditionConfirmation, ReleaseRequest
from console.release_states import ClosingRule
from console.releases import is_closed, state_of
from ledger import canonical_bytes, digest_of, gettext_noop
from testruns.actions import plan_of, rules_of
from testruns.evidence import store
from testruns.models import Evidence, Run
from testruns.recommendation import Recommendation

from .refusals import ConditionClosed, NoProof, NothingToConfirm, NotYours, ReleaseOver
from .reviews import ATTACHMENT_BYTES_MAX, OCTETS
from .writing import REASON_LENGTH_MAX, bounded, instant, move, request_for_update


def close_with_file(*, actor: Actor, condition_id: int, content: bytes, note: str = "") -> ConditionClosing:
    """Store a file as evidence, then close the condition with it. Raises as `close_condition`."""
    _permit_file(actor=actor, condition_id=condition_id, size=len(content))
    evidence = store(content=content, media_type=OCTETS)
    closing: ConditionClosing = close_condition(
        actor=actor, condition_id=condition_id, evidence_digest=evidence.pk, note=note
    )
    return closing


@action(Act.CLOSE_CONDITION, target="condition:{condition_id}")
def _permit_file(*, actor: Actor, condition_id: int, size: int) -> None:
    _own_condition(actor, condition_id, now=timezone.now())
    if not 0 < size <= ATTACHMENT_BYTES_MAX:
        raise NoProof(reason=gettext_noop("the file is empty or larger than 10 MiB"))


@action(Act.CLOSE_CONDITION, target="condition:{condition_id}")
def close_condition(
    *, actor: Actor, condition_id: int, evidence_digest: str = "", run_id: int | None = None, note: str = ""
) -> ConditionClosing:
    """Close one's condition with evidence or a run; it counts when a supervisor confirms it.

    Closing it the same way again returns the first closing. Raises `NotFound`, `NotYours`, `ConditionClosed`,
    `NoProof`, `ReleaseOver`.
    """
    now = timezone.now()
    condition, request = _own_condition(actor, condition_id, now=now)
    evidence, run = _proof(condition, request, evidence_digest=evidence_digest, run_id=run_id)
    last = condition.closings.order_by("-pk").first()
    if last is not None and (last.evidence, last.run) == (evidence, run):
        return last
    note = bounded(note, field="note", length_max=REASON_LENGTH_MAX)
    content = {
        "format": 1,
        "kind": "condition-closing",
        "condition": condition.pk,
        "decision": condition.decision.digest,
        "evidence": evidence.pk if evidence else "",
        "run": {"run": run.pk, "manifest": run.manifest_digest} if run else {},
        "note": note,
        "closed_by": actor.person.pk,
        "at": instant(now),
    }
    closing = ConditionClosing.objects.create(
        condition=condition,
        closed_by=actor.person,
        at=now,
        note=note,
        evidence=evidence,
        run=run,
        content=canonical_bytes(content).decode(),
        digest=digest_of(content),
    )
    audit.record(
        actor=actor,
        act=Act.CLOSE_CONDITION,
        object=f"condition:{condition_id}",
        after={"request": request.pk, "closing": closing.digest, "run": run.pk if run else 0},
        rows=(closing,),
    )
    return closing


@action(Act.CONFIRM_CONDITION, target="condition:{condition_id}")
def confirm_condition(*, actor: Actor, condition_id: int) -> ConditionConfirmation:
    """Confirm the newest closing; from then on the condition is closed. Confirming again returns the confirmation.

    Raises `NotFound`, `NothingToConfirm`, `SecondPersonNeeded` (who closed does not confirm), `ReleaseOver`.
    """
    now = timezone.now()
    condition, request = _condition(condition_id, now=now)
    if is_closed(condition):
        return condition.confirmation
    closing = condition.closings.order_by("-pk").first()
    if closing is None:
        raise NothingToConfirm(condition=condition_id, owner=str(condition.owner))
    if closing.closed_by_id == actor.person.pk:
        raise SecondPersonNeeded(
            what=f"condition {condition_id}", reason=gettext_noop("who closed it does not confirm it.")
        )
    confirmation = ConditionConfirmation.objects.create(
        condition=condition, closing=closing, confirmed_by=actor.person, at=now
    )
    move(request)
    audit.record(
        actor=actor,
        act=Act.CONFIRM_CONDITION,
        object=f"condition:{condition_id}",
        after={"request": request.pk, "closing": closing.digest},
        rows=(confirmation, request),
    )
    return confirmation


def _condition(condition_id: int, *, now: datetime) -> tuple[Condition, ReleaseRequest]:
    rows = Condition.objects.select_related("decision", "owner", "confirmation")
    condition = rows.filter(pk=condition_id).first()
    if condition is None:
        raise NotFound(what=f"condition {condition_id}")
    request = request_for_update(condition.decision.request_id)
    state = state_of(request, now=now)
    if not state.is_release:
        raise ReleaseOver(request=request.pk, state=state.value)
    return condition, request


def _own_condition(actor: Actor, condition_id: int, *, now: datetime) -> tuple[Condition, ReleaseRequest]:
    condition, request = _condition(condition_id, now=now)
    if condition.owner_id != actor.person.pk:
        raise NotYours(what=f"condition {condition_id}", owner=str(condition.owner))
    if is_closed(condition):
        raise ConditionClosed(condition=condition_id)
    return condition, request


def _proof(
    condition: Condition, request: ReleaseRequest, *, evidence_digest: str, run_id: int | None
) -> tuple[Evidence | None, Run | None]:
    """What closes the condition by its rule: exactly one of the two."""
    if condition.closing_rule == ClosingRule.GO_RUN.value:
        return None, _go_run(condition, request, run_id=run_id)
    if run_id is not None or not evidence_digest:
        raise NoProof(reason=gettext_noop("it asks for a file of evidence"))
    evidence = Evidence.objects.filter(pk=evidence_digest).first()
    if evidence is None:
        raise NoProof(reason=gettext_noop("there is no evidence of this digest"))
    return evidence, None


def _go_run(condition: Condition, request: ReleaseRequest, *, run_id: int | None) -> Run:
    run = Run.objects.filter(pk=run_id or 0).select_related("policy").first()
    if run is None:
        raise NoProof(reason=gettext_noop("it asks for a run that recommends GO"))
    if run.build_id != request.build_id or run.requested_by_id is None or run.policy_id != request.policy_id:
        raise NoProof(reason=gettext_noop("the run is of another build or policy, or nobody stands behind it"))
    if run.requested_at <= condition.decision.decided_at:
        raise NoProof(reason=gettext_noop("the run was requested before the decision"))
    is_full = plan_of(run).is_full_run(soak_seconds=rules_of(run.policy).values.soak_seconds)
    if not is_full or run.recommendation != Recommendation.GO.value or not run.is_frozen:
        raise NoProof(reason=gettext_noop("the run is no judged full run that recommends GO"))
    return run
