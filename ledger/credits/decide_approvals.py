"""Rules of approvals: how many people, until when, never oneself, decided once (domain-facts.md 1.15, Part 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.credits.approvals import AUTOMATIC_APPROVER, ApprovalState, PendingApproval
from ledger.credits.commands import CancelApproval, DecideApproval, ExpireApproval, RequestApproval
from ledger.credits.errors import (
    AlreadyApproved,
    AlreadyDecided,
    ApprovalExists,
    ApprovalOverdue,
    NotRequester,
    NotYetDue,
    SelfApproval,
    UnknownApproval,
)
from ledger.credits.policy import APPROVAL_RULES, RiskLevel
from ledger.credits.state import CreditState
from ledger.credits.texts import require_reason
from ledger.engine import times
from ledger.engine.event import NewEvent

_MICROS_PER_HOUR = 3_600_000_000
Now = Callable[[], int]


def request_approval(command: RequestApproval, state: CreditState, now: Now) -> list[NewEvent]:
    """approval.requested; LOW is approved in the same breath."""
    if state.approval_state_of(command.request) is not None:
        raise ApprovalExists(request=command.request)
    rule = APPROVAL_RULES[RiskLevel(command.risk_level)]
    data: dict[str, Any] = {
        "request": command.request,
        "action_type": command.action_type,
        "risk_level": command.risk_level,
        "context": command.context,
        "requester": command.requester,
        "approvals_needed": rule.approvals_needed,
        "expires_at": times.text_of(now() + rule.timeout_hours * _MICROS_PER_HOUR),
    }
    if command.amount_micros is not None:
        data["amount_micros"] = command.amount_micros
    requested = NewEvent(stream=_stream(command.request), type="approval.requested", data=data)
    if rule.approvals_needed:
        return [requested]
    approved = _approved(
        request=command.request,
        approver=AUTOMATIC_APPROVER,
        justification="",
        action_type=command.action_type,
        count=0,
        needed=0,
        caused_by=0,
    )
    return [requested, approved]


def decide_approval(command: DecideApproval, state: CreditState, now: Now) -> list[NewEvent]:
    """approval.approved or approval.rejected; the first final decision stands."""
    pending = _require_pending(state, command.request)
    if now() > times.micros_of(pending.expires_at):
        raise ApprovalOverdue(request=command.request, expires_at=pending.expires_at)
    if command.approver == pending.requester:
        raise SelfApproval(approver=command.approver, request=command.request)
    if not command.is_approval:
        data = {
            "request": command.request,
            "approver": command.approver,
            "justification": command.justification,
            "action_type": pending.action_type,
            "state": str(ApprovalState.REJECTED),
        }
        return [_final(pending, "approval.rejected", data)]
    if command.approver in pending.approvers:
        raise AlreadyApproved(approver=command.approver, request=command.request)
    if APPROVAL_RULES[RiskLevel(pending.risk_level)].is_justification_needed:
        require_reason(command.justification, field="justification")
    approved = _approved(
        request=command.request,
        approver=command.approver,
        justification=command.justification,
        action_type=pending.action_type,
        count=len(pending.approvers) + 1,
        needed=pending.approvals_needed,
        causation=pending.seq,
    )
    return [approved]


def cancel_approval(command: CancelApproval, state: CreditState) -> list[NewEvent]:
    """approval.cancelled, by the requester only."""
    pending = _require_pending(state, command.request)
    if command.by != pending.requester:
        raise NotRequester(request=command.request, requester=pending.requester)
    data = {
        "request": command.request,
        "by": command.by,
        "reason": command.reason,
        "state": str(ApprovalState.CANCELLED),
    }
    return [_final(pending, "approval.cancelled", data)]


def expire_approval(command: ExpireApproval, state: CreditState, now: Now) -> list[NewEvent]:
    """approval.expired, once the deadline has passed."""
    pending = _require_pending(state, command.request)
    if now() <= times.micros_of(pending.expires_at):
        raise NotYetDue(request=command.request, expires_at=pending.expires_at)
    data = {
        "request": command.request,
        "action_type": pending.action_type,
        "expires_at": pending.expires_at,
        "state": str(ApprovalState.EXPIRED),
    }
    return [_final(pending, "approval.expired", data)]


def _approved(
    *,
    request: str,
    approver: str,
    justification: str,
    action_type: str,
    count: int,
    needed: int,
    causation: int | None = None,
    caused_by: int | None = None,
) -> NewEvent:
    state = ApprovalState.APPROVED if count >= needed else ApprovalState.PENDING
    data = {
        "request": request,
        "approver": approver,
        "justification": justification,
        "action_type": action_type,
        "approval_count": count,
        "approvals_needed": needed,
        "state": str(state),
    }
    return NewEvent(
        stream=_stream(request), type="approval.approved", data=data, causation=causation, caused_by=caused_by
    )


def _final(pending: PendingApproval, name: str, data: dict[str, Any]) -> NewEvent:
    """What ends an open request otherwise than by approving it."""
    return NewEvent(stream=_stream(pending.request), type=name, data=data, causation=pending.seq)


def _require_pending(state: CreditState, request: str) -> PendingApproval:
    pending = state.pending.get(request)
    if pending is not None:
        return pending
    decided = state.decided.state_of(request)
    if decided is None:
        raise UnknownApproval(request=request)
    raise AlreadyDecided(request=request, state=str(decided))


def _stream(request: str) -> str:
    return f"approval:{request}"
