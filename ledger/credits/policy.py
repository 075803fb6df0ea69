"""The credit policy: every number of the domain in one place (domain-facts.md 1.12-1.15, decisions.md, Credits)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ledger.credits.amounts import PPM

SKILL_PPM_DEFAULT = 500_000
REASON_LENGTH_MIN = 10
REGENERATION_MICROS_PER_HOUR = 5_000_000
REGENERATION_HOURS_MAX = 8_760
SYNERGY_CAP_MICROS = 500_000_000
COLLABORATION_BASE_MICROS = 2_000_000
COLLABORATION_AGENTS_MAX = 200
KARMA_FALLBACK_CI_PPM = 500_000


class RiskLevel(StrEnum):
    """How much an approval is worth protecting."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Severity(StrEnum):
    """How grave the reason of a withdrawal is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ApprovalRule(NamedTuple):
    """What one risk level asks for."""

    approvals_needed: int
    is_justification_needed: bool
    timeout_hours: int


APPROVAL_RULES = {
    RiskLevel.LOW: ApprovalRule(0, False, 1),
    RiskLevel.MEDIUM: ApprovalRule(1, False, 24),
    RiskLevel.HIGH: ApprovalRule(1, True, 48),
    RiskLevel.CRITICAL: ApprovalRule(2, True, 72),
}

WITHDRAWAL_SHARES_PPM = {
    Severity.LOW: 100_000,
    Severity.MEDIUM: 250_000,
    Severity.HIGH: 500_000,
    Severity.CRITICAL: 750_000,
}


class ReuseTier(NamedTuple):
    """What a similarity is worth: a fixed share of the allocation, or a share times the similarity."""

    name: str
    similarity_ppm_min: int
    share_ppm: int
    is_scaled: bool


# 0.90 and 0.70 as in domain-facts.md 1.14; the partial tier is named there without a share, one half continues the row.
REUSE_TIERS = (
    ReuseTier("near_duplicate", 900_000, 950_000, False),
    ReuseTier("reusable", 700_000, 800_000, True),
    ReuseTier("partial", 500_000, 500_000, True),
)


def initial_micros(*, skill_ppm: int) -> int:
    """Credits of a new agent, in micro-credits: 100 x (0.8 + 0.7 x skill)."""
    return 80 * PPM + 70 * skill_ppm


def regeneration_micros(*, hours_ppm: int, multiplier_ppm: int) -> int:
    """Credits that grow back in some hours, in micro-credits, rounded down: 5 an hour x the controller's multiplier."""
    return REGENERATION_MICROS_PER_HOUR * hours_ppm * multiplier_ppm // (PPM * PPM)


def withdrawal_micros(*, balance_micros: int, severity: Severity) -> int:
    """The share of a balance that a severity takes, in micro-credits, rounded down."""
    return balance_micros * WITHDRAWAL_SHARES_PPM[severity] // PPM


def collaboration_micros(*, contribution_ppm: int) -> int:
    """Reward of one agent for one collaboration, in micro-credits: 2 x (0.5 + 0.5 x contribution)."""
    return COLLABORATION_BASE_MICROS * (PPM + contribution_ppm) // (2 * PPM)


def reuse_tier(*, similarity_ppm: int) -> ReuseTier | None:
    """The tier a similarity falls into; None below the lowest."""
    return next((tier for tier in REUSE_TIERS if similarity_ppm >= tier.similarity_ppm_min), None)


def reuse_micros(*, allocation_micros: int, similarity_ppm: int, tier: ReuseTier) -> int:
    """What reusing work saves of its allocation, in micro-credits, rounded down."""
    if tier.is_scaled:
        return allocation_micros * tier.share_ppm * similarity_ppm // (PPM * PPM)
    return allocation_micros * tier.share_ppm // PPM
