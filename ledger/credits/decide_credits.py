"""Rules of agents and credits: a command and the state in, events or a refusal out. Runs under the journal's lock."""

from __future__ import annotations

from ledger.credits import policy
from ledger.credits.accounts import CONSUMPTION, ISSUANCE, WITHDRAWAL, account_of
from ledger.credits.anomaly import Anomaly
from ledger.credits.commands import AddCredits, Consume, CreateAgent, Refund, Regenerate, Transfer, Withdraw
from ledger.credits.errors import AgentExists, NothingToWithdraw
from ledger.credits.karma_reading import KarmaReading
from ledger.credits.movements import agent_account, movement, require_funds, require_room
from ledger.credits.state import CreditState
from ledger.engine.event import NewEvent


def create_agent(command: CreateAgent, state: CreditState) -> list[NewEvent]:
    """agent.created and the first allocation; an agent that exists keeps what it has."""
    stream = account_of(command.agent)
    if stream in state.accounts:
        raise AgentExists(agent=command.agent)
    amount = command.initial_micros
    if amount is None:
        amount = policy.initial_micros(skill_ppm=command.skill_ppm)
    require_room(state, payer=ISSUANCE, payee=stream, amount_micros=amount)
    created = NewEvent(
        stream=stream, type="agent.created", data={"agent": command.agent, "skill_ppm": command.skill_ppm}
    )
    allocated = movement(
        "credit.allocated",
        stream=stream,
        payer=ISSUANCE,
        payee=stream,
        amount_micros=amount,
        balance_micros=amount,
        caused_by=0,
        reason="agent created",
    )
    return [created, allocated]


def consume(command: Consume, state: CreditState) -> list[NewEvent]:
    """credit.consumed, after what KARMA said and before the mark when the amount is far outside the usual."""
    account = agent_account(state, command.agent)
    require_funds(account, agent=command.agent, amount_micros=command.amount_micros)
    stream = account_of(command.agent)
    require_room(state, payer=stream, payee=CONSUMPTION, amount_micros=command.amount_micros)
    anomaly = account.spent.judge(command.amount_micros) if account.spent else None
    events = [] if command.karma is None else [_karma_event(command.karma, stream=stream)]
    consumed = movement(
        "credit.consumed",
        stream=stream,
        payer=stream,
        payee=CONSUMPTION,
        amount_micros=command.amount_micros,
        balance_micros=account.balance_micros - command.amount_micros,
        caused_by=0 if events else None,
        reason=command.reason,
        mission=command.mission,
        anomaly_detected=True if anomaly else None,
    )
    events.append(consumed)
    return events + _marks(anomaly, stream=stream, caused_by=len(events) - 1)


def refund(command: Refund, state: CreditState) -> list[NewEvent]:
    """credit.refunded: consumed credits come back."""
    return [_inflow("credit.refunded", command, state, payer=CONSUMPTION, mission=command.mission)]


def add_credits(command: AddCredits, state: CreditState) -> list[NewEvent]:
    """credit.allocated: new credits from issuance."""
    return [_inflow("credit.allocated", command, state, payer=ISSUANCE, mission=None)]


def withdraw(command: Withdraw, state: CreditState) -> list[NewEvent]:
    """credit.withdrawn: an exact amount or the share of a severity, never more than there is."""
    account = agent_account(state, command.agent)
    stream = account_of(command.agent)
    amount = command.amount_micros
    if amount is None:
        severity = policy.Severity(str(command.severity))
        amount = policy.withdrawal_micros(balance_micros=account.balance_micros, severity=severity)
        if amount == 0:
            raise NothingToWithdraw(agent=command.agent)
    require_funds(account, agent=command.agent, amount_micros=amount)
    require_room(state, payer=stream, payee=WITHDRAWAL, amount_micros=amount)
    return [
        movement(
            "credit.withdrawn",
            stream=stream,
            payer=stream,
            payee=WITHDRAWAL,
            amount_micros=amount,
            balance_micros=account.balance_micros - amount,
            reason=command.reason,
            severity=command.severity,
        )
    ]


def regenerate(command: Regenerate, state: CreditState) -> list[NewEvent]:
    """credit.regenerated: five credits an hour times the controller's multiplier of now."""
    account = agent_account(state, command.agent)
    stream = account_of(command.agent)
    multiplier = state.eoc.multiplier_ppm
    amount = policy.regeneration_micros(hours_ppm=command.hours_ppm, multiplier_ppm=multiplier)
    assert amount > 0, "a millionth of an hour at the lowest multiplier gives two micro-credits"
    require_room(state, payer=ISSUANCE, payee=stream, amount_micros=amount)
    return [
        movement(
            "credit.regenerated",
            stream=stream,
            payer=ISSUANCE,
            payee=stream,
            amount_micros=amount,
            balance_micros=account.balance_micros + amount,
            hours_ppm=command.hours_ppm,
            multiplier_ppm=multiplier,
        )
    ]


def transfer(command: Transfer, state: CreditState) -> list[NewEvent]:
    """credit.transferred: one event in the payer's stream, with both balances, marked like any spending."""
    payer = agent_account(state, command.payer)
    payee = agent_account(state, command.payee)
    require_funds(payer, agent=command.payer, amount_micros=command.amount_micros)
    stream = account_of(command.payer)
    require_room(state, payer=stream, payee=account_of(command.payee), amount_micros=command.amount_micros)
    anomaly = payer.spent.judge(command.amount_micros) if payer.spent else None
    transferred = movement(
        "credit.transferred",
        stream=stream,
        payer=stream,
        payee=account_of(command.payee),
        amount_micros=command.amount_micros,
        balance_micros=payer.balance_micros - command.amount_micros,
        payee_balance_micros=payee.balance_micros + command.amount_micros,
        reason=command.reason,
        anomaly_detected=True if anomaly else None,
    )
    return [transferred, *_marks(anomaly, stream=stream, caused_by=0)]


def _inflow(
    type_: str, command: Refund | AddCredits, state: CreditState, *, payer: str, mission: str | None
) -> NewEvent:
    account = agent_account(state, command.agent)
    stream = account_of(command.agent)
    require_room(state, payer=payer, payee=stream, amount_micros=command.amount_micros)
    return movement(
        type_,
        stream=stream,
        payer=payer,
        payee=stream,
        amount_micros=command.amount_micros,
        balance_micros=account.balance_micros + command.amount_micros,
        reason=command.reason,
        mission=mission,
    )


def _karma_event(reading: KarmaReading, *, stream: str) -> NewEvent:
    if reading.is_fallback:
        data = {"ci_ppm": reading.ci_ppm, "reason": str(reading.reason)}
        return NewEvent(stream=stream, type="karma.fallback_used", data=data)
    return NewEvent(stream=stream, type="karma.scored", data={"ci_ppm": reading.ci_ppm, "score_ppm": reading.score_ppm})


def _marks(anomaly: Anomaly | None, *, stream: str, caused_by: int) -> list[NewEvent]:
    """The event that says why an amount was marked; the amount itself goes through."""
    if anomaly is None:
        return []
    return [NewEvent(stream=stream, type="anomaly.detected", data=anomaly._asdict(), caused_by=caused_by)]
