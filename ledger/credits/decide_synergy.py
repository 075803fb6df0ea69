"""Rules of synergy: reward working together, at most 500 credits per agent for life, and say so when it is capped."""

from __future__ import annotations

from ledger.credits import policy
from ledger.credits.accounts import REWARD, account_of
from ledger.credits.amounts import TOTAL_MICROS_MAX, decimal_of
from ledger.credits.commands import RecordCollaboration, RecordReuse
from ledger.credits.errors import NotReusable, TotalTooLarge
from ledger.credits.movements import agent_account, movement
from ledger.credits.state import CreditState
from ledger.engine.event import NewEvent


def record_collaboration(command: RecordCollaboration, state: CreditState) -> list[NewEvent]:
    """synergy.collaboration_recorded, then a reward, a capped reward or both for each agent."""
    shares = _shares(command)
    recorded = NewEvent(
        stream=command.once_stream,
        type="synergy.collaboration_recorded",
        data={
            "collaboration": command.collaboration,
            "mission": command.mission,
            "contributions_ppm": dict(zip(command.agents, command.contributions_ppm, strict=True)),
        },
    )
    events = [recorded]
    for agent, share in zip(command.agents, shares, strict=True):
        events += _reward(state, agent=agent, wanted_micros=share, reason="collaboration", source=command.collaboration)
    return _with_room(state, events)


def record_reuse(command: RecordReuse, state: CreditState) -> list[NewEvent]:
    """synergy.reuse_detected, then what the reuse saved of the real allocation goes to the reusing agent."""
    agent_account(state, command.source_agent)
    tier = policy.reuse_tier(similarity_ppm=command.similarity_ppm)
    if tier is None:
        raise NotReusable(similarity=command.similarity_ppm, least=policy.REUSE_TIERS[-1].similarity_ppm_min)
    saved = policy.reuse_micros(
        allocation_micros=command.original_allocation_micros, similarity_ppm=command.similarity_ppm, tier=tier
    )
    detected = NewEvent(
        stream=command.once_stream,
        type="synergy.reuse_detected",
        data={
            "reuse": command.reuse,
            "source_agent": command.source_agent,
            "reusing_agent": command.reusing_agent,
            "artifact": command.artifact,
            "artifact_type": command.artifact_type,
            "similarity_ppm": command.similarity_ppm,
            "tier": tier.name,
            "original_allocation_micros": command.original_allocation_micros,
        },
    )
    reward = _reward(state, agent=command.reusing_agent, wanted_micros=saved, reason="reuse", source=command.reuse)
    return _with_room(state, [detected, *reward])


def _shares(command: RecordCollaboration) -> list[int]:
    if command.reward_micros is None:
        return [policy.collaboration_micros(contribution_ppm=share) for share in command.contributions_ppm]
    total = sum(command.contributions_ppm)
    return [command.reward_micros * share // total for share in command.contributions_ppm]


def _reward(state: CreditState, *, agent: str, wanted_micros: int, reason: str, source: str) -> list[NewEvent]:
    account = agent_account(state, agent)
    stream = account_of(agent)
    granted = min(wanted_micros, policy.SYNERGY_CAP_MICROS - account.rewarded_micros)
    events = []
    if granted > 0:
        rewarded = movement(
            "synergy.rewarded",
            stream=stream,
            payer=REWARD,
            payee=stream,
            amount_micros=granted,
            balance_micros=account.balance_micros + granted,
            caused_by=0,
            reason=reason,
            source=source,
        )
        events.append(rewarded)
    if granted < wanted_micros:
        data = {
            "wanted_micros": wanted_micros,
            "granted_micros": granted,
            "cap_micros": policy.SYNERGY_CAP_MICROS,
            "reason": reason,
            "source": source,
        }
        events.append(NewEvent(stream=stream, type="synergy.reward_capped", data=data, caused_by=0))
    return events


def _with_room(state: CreditState, events: list[NewEvent]) -> list[NewEvent]:
    """The events, unless one of the accounts would no longer fit into 63 bits."""
    total = 0
    for event in events:
        if event.type == "synergy.rewarded":
            total += event.data["amount_micros"]
            if event.data["balance_micros"] > TOTAL_MICROS_MAX:
                raise TotalTooLarge(account=event.stream, limit=decimal_of(TOTAL_MICROS_MAX))
    if state.accounts[REWARD].balance_micros - total < -TOTAL_MICROS_MAX:
        raise TotalTooLarge(account=REWARD, limit=decimal_of(TOTAL_MICROS_MAX))
    return events
