"""The formulas of the credit policy against the tables they come from."""

from __future__ import annotations

import pytest

from ledger.credits import policy
from ledger.credits.policy import APPROVAL_RULES, RiskLevel, Severity
from ledger.tests.credits.orders import CREDIT


@pytest.mark.parametrize(("skill_ppm", "amount"), [(0, 80), (500_000, 115), (800_000, 136), (1_000_000, 150)])
def test_a_new_agent_gets_credits_by_its_skill(skill_ppm: int, amount: int) -> None:
    """100 x (0.8 + 0.7 x skill)."""
    assert policy.initial_micros(skill_ppm=skill_ppm) == amount * CREDIT


@pytest.mark.parametrize(
    ("hours_ppm", "multiplier_ppm", "micros"),
    [
        (1_000_000, 1_000_000, 5 * CREDIT),
        (500_000, 1_000_000, 2_500_000),
        (2_000_000, 1_500_000, 15 * CREDIT),
        (1_000_000, 833_333, 4_166_665),
        (1, 1_000_000, 5),
    ],
)
def test_regeneration_is_five_credits_an_hour_times_the_multiplier(
    hours_ppm: int, multiplier_ppm: int, micros: int
) -> None:
    """Rounded down to a micro-credit."""
    assert policy.regeneration_micros(hours_ppm=hours_ppm, multiplier_ppm=multiplier_ppm) == micros


@pytest.mark.parametrize(
    ("severity", "micros"),
    [
        (Severity.LOW, 20_000_000),
        (Severity.MEDIUM, 50 * CREDIT),
        (Severity.HIGH, 100 * CREDIT),
        (Severity.CRITICAL, 150 * CREDIT),
    ],
)
def test_a_withdrawal_takes_the_share_of_its_severity(severity: Severity, micros: int) -> None:
    """10, 25, 50 and 75 per cent of the balance."""
    assert policy.withdrawal_micros(balance_micros=200 * CREDIT, severity=severity) == micros


@pytest.mark.parametrize(
    ("level", "needed", "is_justification_needed", "hours"),
    [
        (RiskLevel.LOW, 0, False, 1),
        (RiskLevel.MEDIUM, 1, False, 24),
        (RiskLevel.HIGH, 1, True, 48),
        (RiskLevel.CRITICAL, 2, True, 72),
    ],
)
def test_each_risk_level_asks_for_its_approvals(
    level: RiskLevel, needed: int, is_justification_needed: bool, hours: int
) -> None:
    """Approvals, justification and hours."""
    assert APPROVAL_RULES[level] == (needed, is_justification_needed, hours)


@pytest.mark.parametrize(
    ("similarity_ppm", "name", "micros"),
    [
        (1_000_000, "near_duplicate", 95_000_000),
        (900_000, "near_duplicate", 95_000_000),
        (899_999, "reusable", 71_999_920),
        (700_000, "reusable", 56 * CREDIT),
        (699_999, "partial", 34_999_950),
        (500_000, "partial", 25 * CREDIT),
    ],
)
def test_reuse_gives_back_the_share_of_its_tier(similarity_ppm: int, name: str, micros: int) -> None:
    """95 per cent from 0.9 on, 80 per cent times the similarity from 0.7 on, half times the similarity from 0.5 on."""
    tier = policy.reuse_tier(similarity_ppm=similarity_ppm)

    assert tier is not None
    assert tier.name == name
    assert policy.reuse_micros(allocation_micros=100 * CREDIT, similarity_ppm=similarity_ppm, tier=tier) == micros


def test_below_one_half_nothing_is_reused() -> None:
    """There is no tier below 0.5."""
    assert policy.reuse_tier(similarity_ppm=499_999) is None


@pytest.mark.parametrize(("contribution_ppm", "micros"), [(0, CREDIT), (500_000, 1_500_000), (1_000_000, 2 * CREDIT)])
def test_a_collaboration_is_worth_one_to_two_credits(contribution_ppm: int, micros: int) -> None:
    """2 x (0.5 + 0.5 x contribution)."""
    assert policy.collaboration_micros(contribution_ppm=contribution_ppm) == micros
