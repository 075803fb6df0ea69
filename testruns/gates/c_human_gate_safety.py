"""Gate C, human gate safety: a request that people decide is decided once, and the record of it is complete."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Kind, Operator, Rule, Severity, from_scenarios
from testruns.units import COUNT, MILLISECONDS

HUMAN_GATE_SAFETY = register(
    Gate(
        code="C",
        title=gettext_noop("Human gate safety"),
        help=gettext_noop(
            "Some acts wait for a person. This gate asks whether a request keeps exactly one decision even when ten "
            "people decide at the same moment, and whether the journal shows who decided and why."
        ),
        rules=(
            Rule(
                code="C01",
                question=gettext_noop("Is every request decided?"),
                help=gettext_noop(
                    "Ten approvals and refusals arrive at once for each request. The smallest number of effective "
                    "decisions over all requests must be 1: none may be left without a decision."
                ),
                impact=gettext_noop("Requests get stuck although people decided."),
                where=gettext_noop("The approval command; its answers beside the approval events of the request."),
                sources=from_scenarios("decisions_per_request_min", "approval_race"),
                operator=Operator.EQUAL,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="C02",
                question=gettext_noop("Is no request decided twice?"),
                help=gettext_noop(
                    "The largest number of effective decisions over all requests must be 1: the first counts, every "
                    "later one is told that it came too late."
                ),
                impact=gettext_noop("One person's refusal is overwritten by another's approval."),
                where=gettext_noop("The expected version of the approval's stream; decisions from several processes."),
                sources=from_scenarios("decisions_per_request_max", "approval_race"),
                operator=Operator.EQUAL,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="C03",
                question=gettext_noop("Is every decision recorded with person and cause?"),
                help=gettext_noop(
                    "Each decision must stand in the journal with the one who decided, and name the event of the "
                    "request it answers as its cause."
                ),
                impact=gettext_noop("It cannot be shown who decided."),
                where=gettext_noop("Events approval.* of the scenario's journal, filtered by correlation."),
                sources=from_scenarios("audit_missing", "approval_race"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="C04",
                question=gettext_noop("Are 95 percent of the decisions answered in time?"),
                help=gettext_noop("Measured while ten decide at once. A person should not wait for the answer."),
                impact=gettext_noop("People wait for the answer to their decision."),
                where=gettext_noop("Lock waiting times; the disk's fsync floor in the environment."),
                sources=from_scenarios("decision_p95_us", "approval_race"),
                operator=Operator.LESS,
                threshold=Decimal(100),
                unit=MILLISECONDS,
                severity=Severity.WARNING,
                kind=Kind.TIMING,
            ),
        ),
    )
)
