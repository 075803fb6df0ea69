"""The operations scenarios put to the ledger, each with the movements it must cause."""

from __future__ import annotations

from functools import partial
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
        make=partial(commands.CreateAgent, agent=agent, initial_micros=micros),
        owed=(Movement("credit.allocated", "system:issuance", account_of(agent), micros),),
    )


def consume(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`agent` spends `micros` micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(commands.Consume, agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.consumed", account_of(agent), "system:consumption", micros),),
    )


def refund(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`micros` micro-credits that `agent` consumed come back."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(commands.Refund, agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.refunded", "system:consumption", account_of(agent), micros),),
    )


def add_credits(key: str, *, agent: str, micros: int, reason: str) -> Operation:
    """`agent` gets `micros` new micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(commands.AddCredits, agent=agent, amount_micros=micros, reason=reason),
        owed=(Movement("credit.allocated", "system:issuance", account_of(agent), micros),),
    )


def transfer(key: str, *, payer: str, payee: str, micros: int, reason: str) -> Operation:
    """`payer` gives `payee` `micros` micro-credits."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(commands.Transfer, payer=payer, payee=payee, amount_micros=micros, reason=reason),
        owed=(Movement("credit.transferred", account_of(payer), account_of(payee), micros),),
    )


def regenerate(key: str, *, agent: str) -> Operation:
    """An hour's worth of credits grows back; the ledger's controller decides how many."""
    return Operation(key=key, correlation=key, make=partial(commands.Regenerate, agent=agent), owed=None)


def collaborate(
    key: str, *, collaboration: str, agents: tuple[str, ...], contributions_ppm: tuple[int, ...], reward_micros: int
) -> Operation:
    """`agents` worked together for `reward_micros` micro-credits in all; what each gets is the ledger's to decide."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(
            commands.RecordCollaboration,
            collaboration=collaboration,
            agents=agents,
            mission="team-alpha",
            contributions_ppm=contributions_ppm,
            reward_micros=reward_micros,
        ),
        owed=None,
    )


def reuse(key: str, *, source: str, reuser: str, similarity_ppm: int, allocation_micros: int) -> Operation:
    """`reuser` reuses what `source` made for `allocation_micros` micro-credits.

    The ledger decides what that is worth.
    """
    return Operation(
        key=key,
        correlation=key,
        make=partial(
            commands.RecordReuse,
            reuse=key,
            source_agent=source,
            reusing_agent=reuser,
            artifact=f"artifact:{key}",
            artifact_type="code",
            similarity_ppm=similarity_ppm,
            original_allocation_micros=allocation_micros,
        ),
        owed=None,
    )


def request_approval(request: str, *, requester: str, micros: int) -> Operation:
    """`requester` asks for a MEDIUM approval over `micros` micro-credits: one decision ends it."""
    return Operation(
        key=f"request:{request}",
        correlation=f"request:{request}",
        make=partial(
            commands.RequestApproval,
            request=request,
            action_type="credit_grant",
            risk_level="MEDIUM",
            context="One request that many decide at once",
            requester=requester,
            amount_micros=micros,
        ),
        owed=(),
    )


def decide(key: str, *, request: str, approver: str, is_approval: bool) -> Operation:
    """`approver` approves or rejects."""
    return Operation(
        key=key,
        correlation=key,
        make=partial(
            commands.DecideApproval,
            request=request,
            approver=approver,
            is_approval=is_approval,
            justification=f"decided by {approver} in the race",
        ),
        owed=(),
    )


def sample_queue(key: str, *, depth: int) -> Operation:
    """The queue is `depth` long now."""
    return Operation(key=key, correlation=key, make=partial(commands.SampleEoc, queue_depth=depth), owed=())


def again(operation: Operation, *, key: str) -> Operation:
    """The same content handed in under another key."""
    return operation._replace(key=key, correlation=key)


def expecting_nothing(operation: Operation) -> Operation:
    """The same as something that must not move credits: an attack."""
    return operation._replace(owed=())
