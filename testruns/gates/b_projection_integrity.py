"""Gate B, projection integrity: balances are what the events add up to, and nobody gains what no rule grants."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Operator, Rule, Severity, from_scenarios
from testruns.gates.suite import SUITE
from testruns.units import COUNT, MICRO_CREDITS

PROJECTION_INTEGRITY = register(
    Gate(
        code="B",
        title=gettext_noop("Projection integrity"),
        help=gettext_noop(
            "Balances are computed from events. This gate asks whether they agree to the last micro-credit, whether "
            "credits only move and never appear, and whether the same journal always gives the same state."
        ),
        rules=(
            Rule(
                code="B01",
                question=gettext_noop("Is every balance exactly the sum of its events?"),
                help=gettext_noop(
                    "Amounts are whole micro-credits, so there is no tolerance: the largest difference over all "
                    "accounts must be 0."
                ),
                impact=gettext_noop("What people see as their balance is not what the journal says."),
                where=gettext_noop("The balance projection against the sum of the journal, account by account."),
                sources=from_scenarios("drift_micros_max", *SUITE),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=MICRO_CREDITS,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="B02",
                question=gettext_noop("Is no agent's balance negative?"),
                help=gettext_noop(
                    "Only system accounts may be below zero. Threads and separate processes spend from the same "
                    "accounts at the same time; the check for enough credits must hold all the same."
                ),
                impact=gettext_noop("Agents spend credits they do not have."),
                where=gettext_noop("The decision under the lock; two processes writing to one journal."),
                sources=from_scenarios("negative_balances", *SUITE),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="B03",
                question=gettext_noop("Do all accounts together add up to zero?"),
                help=gettext_noop(
                    "Every movement takes from one account what it gives to another (double entry). The sum over all "
                    "accounts, system accounts included, is therefore 0 at any time."
                ),
                impact=gettext_noop("Credits were created or destroyed without an account for it."),
                where=gettext_noop("Events that move an amount with one side only; the account totals."),
                sources=from_scenarios("accounts_sum_micros", *SUITE),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=MICRO_CREDITS,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="B04",
                question=gettext_noop("Does no agent gain more from synergy than the cap allows?"),
                help=gettext_noop(
                    "Teams are paid for working together, up to a cap per agent for life. The scenario tries to pass "
                    "it with replays and with rings of agents that reward each other."
                ),
                impact=gettext_noop("The reward system can be milked."),
                where=gettext_noop("The synergy command in the ledger; rewards per agent in the journal."),
                sources=from_scenarios("rewards_beyond_cap", "synergy_anti_gaming"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="B05",
                question=gettext_noop("Does the same journal always give the same state?"),
                help=gettext_noop(
                    "The state is rebuilt from the journal and hashed, live and after replay. All hashes must be one "
                    "and the same."
                ),
                impact=gettext_noop("A restart changes balances; the journal does not determine the state."),
                where=gettext_noop("Projections that read the clock, the order of a dictionary or a random number."),
                sources=from_scenarios("state_hashes_distinct", *SUITE),
                operator=Operator.EQUAL,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="B06",
                question=gettext_noop("Is a capped reward recorded?"),
                help=gettext_noop(
                    "When the cap cuts a reward, the journal must say so. Without at least one such event the scenario "
                    "never reached the cap, and the rule above was not put to the test."
                ),
                impact=gettext_noop("Nobody can see that and why a reward was cut."),
                where=gettext_noop("Events of the type synergy.reward_capped in the scenario's journal."),
                sources=from_scenarios("rewards_capped", "synergy_anti_gaming"),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
        ),
    )
)
