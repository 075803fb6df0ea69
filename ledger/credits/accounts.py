"""Accounts: who can hold credits. `agent:<id>` for agents, four system accounts as the other side of every movement."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.credits.anomaly import AmountWindow

ISSUANCE = "system:issuance"
CONSUMPTION = "system:consumption"
WITHDRAWAL = "system:withdrawal"
REWARD = "system:reward"
SYSTEM_ACCOUNTS = (ISSUANCE, CONSUMPTION, WITHDRAWAL, REWARD)
AGENT_PREFIX = "agent:"


def account_of(agent: str) -> str:
    """The account, and the stream, of an agent."""
    return AGENT_PREFIX + agent


class Account:
    """One account in memory: balance and, for agents, skill, life-long synergy reward and the last amounts spent.

    Who never spends costs no window.
    """

    __slots__ = ("balance_micros", "rewarded_micros", "skill_ppm", "spent")

    def __init__(self, *, skill_ppm: int | None = None) -> None:
        self.balance_micros = 0
        self.rewarded_micros = 0
        self.skill_ppm = skill_ppm
        self.spent: AmountWindow | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """An agent as it stands. `rewarded_micros`: synergy of its whole life; `skill_ppm`: millionths."""

    agent: str
    balance_micros: int
    rewarded_micros: int
    skill_ppm: int
