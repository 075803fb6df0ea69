"""The operations scenarios put to the ledger, each with the movements it must cause."""

from __future__ import annotations

from typing import Final

from ledger import commands
from testruns.scenarios.stage.operations import Movement, Operation

MICROS: Final = 1_000_000
"""Micro-credits in a credit."""


def account_of(agent: str) -> str:
    """The account of an agent, as the journal names it."""
    return f"agent:{agent}"


def create_agent(agent: str, *, micros: int) -> Operation:
    """A new agent with `micros` micro-credits."""
    return Operation(
        key=f"create:{agent}",
        correlation=f"create:{agent}",
        command=commands.CreateAgent(agent=agent, initial_micros=micros),
        owed=(Movement("credit.allocated", "system:issuance", account_of(agent), micros),),
    )


def consume(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`agent` spends `micros` micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        command=commands.Consume(agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.consumed", account_of(agent), "system:consumption", micros),),
    )


def refund(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`micros` micro-credits that `agent` consumed come back."""
    return Operation(
        key=key,
        correlation=key,
        command=commands.Refund(agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.refunded", "system:consumption", account_of(agent), micros),),
    )


def add_credits(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`agent` gets `micros` new micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        command=commands.AddCredits(agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.allocated", "system:issuance", account_of(agent), micros),),
    )


def transfer(key: str, *, payer: str, payee: str, micros: int, reason: str) -> Operation:
    """`payer` gives `payee` `micros` micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        command=commands.Transfer(payer=payer, payee=payee, amount_micros=micros, reason=reason),
        owed=(Movement("credit.transferred", account_of(payer), account_of(payee), micros),),
    )
