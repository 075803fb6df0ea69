"""A legacy record as events of this ledger: the same facts, amounts in micro-credits, the original kept beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN
from typing import Any

from ledger.credits.accounts import CONSUMPTION, ISSUANCE, WITHDRAWAL, account_of
from ledger.credits.amounts import PPM
from ledger.credits.approvals import ApprovalState
from ledger.credits.legacy_reading import LegacyProblem, LegacyRecord, Number, decimal_of_text
from ledger.credits.movements import movement
from ledger.credits.policy import APPROVAL_RULES, SKILL_PPM_DEFAULT, RiskLevel
from ledger.engine import times
from ledger.engine.event import NewEvent

_TEXT_LENGTH_MAX = 2000
_COUNTERPARTS = {
    "credit.allocated": ISSUANCE,
    "credit.consumed": CONSUMPTION,
    "credit.refunded": CONSUMPTION,
    "credit.withdrawn": WITHDRAWAL,
    "credit.regenerated": ISSUANCE,
}


def micros_of_legacy(text: str | None) -> int | None:
    """A legacy amount in micro-credits, rounded half-even; None where it is no number a ledger could hold."""
    number = decimal_of_text(text)
    return None if number is None else int(number.scaleb(6).to_integral_value(rounding=ROUND_HALF_EVEN))


def refused_event(problem: LegacyProblem, *, stream: str) -> NewEvent:
    """import.line_refused: the line, why, and no effect."""
    data: dict[str, Any] = {"line": problem.line, "code": problem.code, "why": str(problem)[:_TEXT_LENGTH_MAX]}
    if problem.cause is not None:
        data["cause_line"] = problem.cause
    return NewEvent(stream=stream, type="import.line_refused", data=data)


def created_event(record: LegacyRecord) -> NewEvent:
    """The agent that the original creates by allocating to it."""
    agent = str(record.entity)
    data = {"agent": agent, "skill_ppm": SKILL_PPM_DEFAULT, "legacy": _original(record)}
    return NewEvent(stream=account_of(agent), type="agent.created", data=data)


def money_event(record: LegacyRecord, *, amount_micros: int, balance_micros: int, caused_by: int | None) -> NewEvent:
    """A credit event between the entity's account and the system account on the other side."""
    own, other = account_of(str(record.entity)), _COUNTERPARTS[record.type]
    is_inflow = record.type not in {"credit.consumed", "credit.withdrawn"}
    return movement(
        record.type,
        stream=own,
        payer=other if is_inflow else own,
        payee=own if is_inflow else other,
        amount_micros=amount_micros,
        balance_micros=balance_micros,
        caused_by=caused_by,
        reason=_text(record.payload.get("reason")),
        mission=_text(record.payload.get("mission_id")),
        legacy=_original(record),
    )


def fact_event(record: LegacyRecord) -> NewEvent:
    """An approval or synergy event; it moves no credits in the original and none here."""
    payload = record.payload
    if record.type == "synergie.collaboration_recorded":
        name, data = f"collaboration:{payload['collaboration_id']}", _collaboration(payload)
    elif record.type == "synergie.reuse_detected":
        name, data = f"reuse:{payload['reuse_id']}", _reuse(payload)
    else:
        name, data = f"approval:{payload['request_id']}", _approval(record)
    type_ = record.type.replace("synergie.", "synergy.")
    return NewEvent(stream=name, type=type_, data={**data, "legacy": _original(record)})


def _approval(record: LegacyRecord) -> dict[str, Any]:
    payload = record.payload
    request = payload["request_id"]
    if record.type == "approval.requested":
        level = payload["risk_level"].upper()
        rule = APPROVAL_RULES[RiskLevel(level) if level in RiskLevel.__members__ else RiskLevel.CRITICAL]
        context = payload.get("action_context")
        return {
            "request": request,
            "action_type": payload["action_type"],
            "risk_level": level if level in RiskLevel.__members__ else str(RiskLevel.CRITICAL),
            "context": _text(context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)) or "",
            "requester": payload["requester_id"],
            "approvals_needed": rule.approvals_needed,
            "expires_at": _record_time(record.at + timedelta(hours=rule.timeout_hours)),
        }
    state = ApprovalState(record.type.removeprefix("approval."))
    said = {
        "action_type": _text(payload.get("action_type")),
        "approver": _text(payload.get("approver_id")),
        "justification": _text(payload.get("justification")),
    }
    return {"request": request, "state": str(state), **{name: text for name, text in said.items() if text is not None}}


def _collaboration(payload: dict[str, Any]) -> dict[str, Any]:
    scores = payload.get("contribution_scores")
    shares = {name: _ppm(score) for name, score in scores.items()} if isinstance(scores, dict) else {}
    agents = payload.get("agent_ids")
    return {
        "collaboration": payload["collaboration_id"],
        "mission": payload["mission_id"],
        "agents": [agent for agent in agents if isinstance(agent, str)] if isinstance(agents, list) else [],
        "contributions_ppm": {name: share for name, share in shares.items() if share is not None},
    }


def _reuse(payload: dict[str, Any]) -> dict[str, Any]:
    data = {
        "reuse": payload["reuse_id"],
        "source_agent": payload["source_agent_id"],
        "reusing_agent": payload["reusing_agent_id"],
        "artifact": payload["artifact_id"],
        "artifact_type": payload["artifact_type"],
    }
    similarity = _ppm(payload.get("similarity_score"))
    return data if similarity is None else {**data, "similarity_ppm": similarity}


def _original(record: LegacyRecord) -> dict[str, Any]:
    """What the line said, as it said it."""
    original: dict[str, Any] = {
        "line": record.line,
        "event_id": record.event_id,
        "time": record.time,
        "key": record.key,
        "actor": record.actor,
        "correlation": record.correlation,
    }
    if record.causation is not None:
        original["causation"] = record.causation
    if record.amount is not None:
        original["amount"] = record.amount
    if record.balance_after is not None:
        original["balance_after"] = record.balance_after
    return original


def _ppm(value: object) -> int | None:
    number = decimal_of_text(str(value)) if isinstance(value, Number) else None
    return None if number is None or not 0 <= number <= 1 else int((number * PPM).to_integral_value(ROUND_HALF_EVEN))


def _text(value: object) -> str | None:
    return value[:_TEXT_LENGTH_MAX] if isinstance(value, str) and value else None


def _record_time(moment: datetime) -> str:
    return times.text_of((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
