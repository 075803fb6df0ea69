"""Movements: the one shape of every credit event, an amount from one account to another."""

from __future__ import annotations

from typing import Any

from ledger.credits.accounts import Account, account_of
from ledger.credits.amounts import TOTAL_MICROS_MAX, decimal_of
from ledger.credits.errors import InsufficientCredits, TotalTooLarge, UnknownAgent
from ledger.credits.state import CreditState
from ledger.engine.event import NewEvent

MOVEMENT_TYPES = ("credit.*", "synergy.rewarded")


def agent_account(state: CreditState, agent: str) -> Account:
    """The account of an agent; UnknownAgent when nobody created it."""
    name = account_of(agent)
    account = state.accounts.get(name)
    if account is None:
        raise UnknownAgent(account=name)
    return account


def require_funds(account: Account, *, agent: str, amount_micros: int) -> None:
    """Refuse to spend more than there is."""
    if amount_micros > account.balance_micros:
        raise InsufficientCredits(
            agent=agent, balance=decimal_of(account.balance_micros), amount=decimal_of(amount_micros)
        )


def require_room(state: CreditState, *, payer: str, payee: str, amount_micros: int) -> None:
    """Refuse a movement after which one of the two accounts would no longer fit into 63 bits."""
    if state.accounts[payer].balance_micros - amount_micros < -TOTAL_MICROS_MAX:
        raise TotalTooLarge(account=payer, limit=decimal_of(TOTAL_MICROS_MAX))
    known = state.accounts.get(payee)
    if known is not None and known.balance_micros + amount_micros > TOTAL_MICROS_MAX:
        raise TotalTooLarge(account=payee, limit=decimal_of(TOTAL_MICROS_MAX))


def movement(
    type_: str,
    *,
    stream: str,
    payer: str,
    payee: str,
    amount_micros: int,
    balance_micros: int,
    caused_by: int | None = None,
    **more: Any,
) -> NewEvent:
    """The event that moves an amount; `balance_micros` is what the stream's own account has afterwards.

    Values of `more` that are None are left out: a record carries no empty fields.
    """
    data: dict[str, Any] = {
        "from_account": payer,
        "to_account": payee,
        "amount_micros": amount_micros,
        "balance_micros": balance_micros,
    }
    for name, value in more.items():
        if value is not None:
            data[name] = value
    return NewEvent(stream=stream, type=type_, data=data, caused_by=caused_by)
