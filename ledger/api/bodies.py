"""What answers are made of: amounts as decimal text, times as in the journal, what is unknown left out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger import Answer, Approval, ApprovalState, Event, decimal_of
from ledger.credits.accounts import AGENT_PREFIX, Agent
from ledger.credits.pages import Asked, Movement

_AMOUNT = "Credits with six decimals, exact."


class AgentAnswer(serializers.Serializer[Any]):
    """An agent that was created."""

    agent_id = serializers.CharField()
    skill_level = serializers.CharField(help_text="0 to 1 with six decimals.")
    balance = serializers.CharField(help_text=_AMOUNT)
    seq = serializers.IntegerField(help_text="The first event of this in the journal.")
    time = serializers.DateTimeField()


class MovementAnswer(serializers.Serializer[Any]):
    """A movement of one agent's credits."""

    agent_id = serializers.CharField()
    type = serializers.CharField(help_text="The type of the event.")
    amount = serializers.CharField(help_text=_AMOUNT)
    balance = serializers.CharField(help_text="Right after this movement.")
    anomaly_detected = serializers.BooleanField(help_text="Marked as far outside the usual; it went through.")
    seq = serializers.IntegerField(help_text="The event of this in the journal.")
    time = serializers.DateTimeField()


class TransferAnswer(serializers.Serializer[Any]):
    """A movement between two agents."""

    payer_id = serializers.CharField()
    payee_id = serializers.CharField()
    amount = serializers.CharField(help_text=_AMOUNT)
    payer_balance = serializers.CharField(help_text="Right after this movement.")
    payee_balance = serializers.CharField(help_text="Right after this movement.")
    anomaly_detected = serializers.BooleanField()
    seq = serializers.IntegerField()
    time = serializers.DateTimeField()


class BalanceAnswer(serializers.Serializer[Any]):
    """An agent as it stands."""

    agent_id = serializers.CharField()
    balance = serializers.CharField(help_text=_AMOUNT)
    skill_level = serializers.CharField()
    synergy_rewarded = serializers.CharField(help_text="In its whole life; capped at 500.")


class BalancesAnswer(serializers.Serializer[Any]):
    """Agents in the order in which they were created."""

    results = BalanceAnswer(many=True)
    next = serializers.CharField(required=False, help_text="The next page; absent on the last.")


class HistoryLine(serializers.Serializer[Any]):
    """One movement, from the agent's side."""

    seq = serializers.IntegerField()
    time = serializers.DateTimeField()
    type = serializers.CharField()
    change = serializers.CharField(help_text="Credits, negative when they went away.")
    balance = serializers.CharField(help_text="Right after it.")
    other_account = serializers.CharField()
    actor = serializers.CharField()
    correlation = serializers.CharField()
    reason = serializers.CharField(required=False)
    mission_id = serializers.CharField(required=False)
    anomaly_detected = serializers.BooleanField(required=False)


class HistoryAnswer(serializers.Serializer[Any]):
    """Movements, newest first."""

    agent_id = serializers.CharField()
    balance = serializers.CharField(help_text="Now.")
    results = HistoryLine(many=True)
    next = serializers.CharField(required=False, help_text="Older ones; absent where there are none.")


class ApprovalAnswer(serializers.Serializer[Any]):
    """A request for approval. A list leaves out who agreed and who decided."""

    request = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ApprovalState])
    action_type = serializers.CharField()
    risk_level = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment]  # a field; the metaclass takes it away
    requester = serializers.CharField()
    amount = serializers.CharField(required=False)
    approvals_needed = serializers.IntegerField()
    requested_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    approvers = serializers.ListField(child=serializers.CharField(), required=False)
    decided_by = serializers.CharField(required=False)
    decided_at = serializers.DateTimeField(required=False)
    reason = serializers.CharField(required=False)


class ApprovalsAnswer(serializers.Serializer[Any]):
    """Requests, newest first."""

    results = ApprovalAnswer(many=True)
    next = serializers.CharField(required=False, help_text="Older ones; absent where there are none.")


def credits_of(micros: int) -> str:
    """Micro-credits as exact decimal text with six decimals."""
    return format(decimal_of(micros), "f")


def agent_created(answer: Answer) -> dict[str, Any]:
    """The body of an agent's creation."""
    created, allocated = answer.events
    return {
        "agent_id": created.data["agent"],
        "skill_level": credits_of(created.data["skill_ppm"]),
        "balance": credits_of(allocated.data["balance_micros"]),
        "seq": created.seq,
        "time": created.time,
    }


def moved(answer: Answer) -> dict[str, Any]:
    """The body of a movement of one agent."""
    event = _movement_in(answer)
    return {
        "agent_id": event.stream.removeprefix(AGENT_PREFIX),
        "type": event.type,
        "amount": credits_of(event.data["amount_micros"]),
        "balance": credits_of(event.data["balance_micros"]),
        "anomaly_detected": answer.anomaly_detected,
        "seq": event.seq,
        "time": event.time,
    }


def transferred(answer: Answer) -> dict[str, Any]:
    """The body of a movement between two agents."""
    event = _movement_in(answer)
    return {
        "payer_id": event.data["from_account"].removeprefix(AGENT_PREFIX),
        "payee_id": event.data["to_account"].removeprefix(AGENT_PREFIX),
        "amount": credits_of(event.data["amount_micros"]),
        "payer_balance": credits_of(event.data["balance_micros"]),
        "payee_balance": credits_of(event.data["payee_balance_micros"]),
        "anomaly_detected": answer.anomaly_detected,
        "seq": event.seq,
        "time": event.time,
    }


def requested(answer: Answer) -> dict[str, Any]:
    """The body of a request for approval as it stood right after it was made."""
    return _request(answer.events[0], ApprovalState(str(answer.approval_state)))


def asked(line: Asked) -> dict[str, Any]:
    """A line of the list of approvals."""
    return _request(line.event, line.state)


def approval(found: Approval, *, state: ApprovalState) -> dict[str, Any]:
    """One approval with everybody who had a say; `state` is that of now."""
    return _told(
        request=found.request,
        state=state.value,
        action_type=found.action_type,
        risk_level=found.risk_level,
        context=found.context,
        requester=found.requester,
        amount=None if found.amount_micros is None else credits_of(found.amount_micros),
        approvals_needed=found.approvals_needed,
        requested_at=found.requested_at,
        expires_at=found.expires_at,
        approvers=list(found.approvers),
        decided_by=found.decided_by,
        decided_at=found.decided_at,
        reason=found.reason or None,
    )


def balance(agent: Agent) -> dict[str, Any]:
    """An agent as it stands."""
    return {
        "agent_id": agent.agent,
        "balance": credits_of(agent.balance_micros),
        "skill_level": credits_of(agent.skill_ppm),
        "synergy_rewarded": credits_of(agent.rewarded_micros),
    }


def history_line(movement: Movement) -> dict[str, Any]:
    """One movement from the agent's side."""
    event = movement.event
    return _told(
        seq=event.seq,
        time=event.time,
        type=event.type,
        change=credits_of(movement.change_micros),
        balance=credits_of(movement.balance_micros),
        other_account=movement.other_account,
        actor=event.actor,
        correlation=event.correlation,
        reason=event.data.get("reason"),
        mission_id=event.data.get("mission"),
        anomaly_detected=event.data.get("anomaly_detected"),
    )


def _movement_in(answer: Answer) -> Event:
    return next(event for event in answer.events if event.type.startswith("credit."))


def _request(event: Event, state: ApprovalState) -> dict[str, Any]:
    data = event.data
    return _told(
        request=data["request"],
        state=state.value,
        action_type=data["action_type"],
        risk_level=data["risk_level"],
        context=data["context"],
        requester=data["requester"],
        amount=credits_of(data["amount_micros"]) if "amount_micros" in data else None,
        approvals_needed=data["approvals_needed"],
        requested_at=event.time,
        expires_at=data["expires_at"],
    )


def _told(**values: Any) -> dict[str, Any]:
    """What is known; the rest is left out."""
    return {name: value for name, value in values.items() if value is not None}
