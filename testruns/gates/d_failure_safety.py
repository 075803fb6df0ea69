"""Gate D, failure safety: when a neighbour dies or behaves wildly, the ledger goes on and says so."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Injection, Operator, Rule, Severity, from_scenarios
from testruns.units import COUNT, PERCENT, SHARE

_DISTURBED = ("karma_blackout", "ml_chaos")

FAILURE_SAFETY = register(
    Gate(
        code="D",
        title=gettext_noop("Failure safety"),
        help=gettext_noop(
            "The ledger depends on a reputation service (KARMA) and watches for unusual amounts. This gate asks "
            "whether it keeps working when the service dies, hangs or lies, whether it marks anomalies without "
            "blocking them, and whether its regulation settles again."
        ),
        rules=(
            Rule(
                code="D01",
                question=gettext_noop("Does every operation succeed although the neighbour fails?"),
                help=gettext_noop(
                    "The KARMA endpoint is killed, hangs and answers garbage while operations run. None of them may "
                    "fail for that reason."
                ),
                impact=gettext_noop("An outage of a neighbouring service stops the ledger."),
                where=gettext_noop("The KARMA client: timeout, fallback and breaker; the scenario's error output."),
                sources=from_scenarios("operations_failed", *_DISTURBED),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="D02",
                question=gettext_noop("Does the ledger stay alive?"),
                help=gettext_noop(
                    "The ledger runs in a process of its own; its death or an exception nobody expected is counted as "
                    "a crash."
                ),
                impact=gettext_noop("An outage of a neighbouring service brings the ledger down."),
                where=gettext_noop("The scenario's error output, kept as evidence."),
                sources=from_scenarios("crashes", *_DISTURBED),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="D03",
                question=gettext_noop("Is the use of the fallback recorded?"),
                help=gettext_noop(
                    "Without an answer from KARMA the ledger works with a fixed value of 0.5. Each such use must be "
                    "visible in the journal."
                ),
                impact=gettext_noop("Nobody sees afterwards which operations ran on a guessed value."),
                where=gettext_noop("Events karma.fallback_used in the scenario's journal."),
                sources=from_scenarios("fallback_recorded", "karma_blackout"),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D04",
                question=gettext_noop("Does the breaker open?"),
                help=gettext_noop(
                    "After five failures the ledger stops asking the dead service, so that operations do not wait for "
                    "it. The opening is an event."
                ),
                impact=gettext_noop("Every operation waits for a dead service until its time is up."),
                where=gettext_noop("Events breaker.opened; latencies during the outage."),
                sources=from_scenarios("breaker_opened", "karma_blackout"),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D05",
                question=gettext_noop("Does the breaker close again?"),
                help=gettext_noop(
                    "When the service is back, a single probe finds it and the ledger uses it again. The closing is an "
                    "event."
                ),
                impact=gettext_noop("After an outage the ledger stays on guessed values."),
                where=gettext_noop("Events breaker.closed; the probe every 2 s."),
                sources=from_scenarios("breaker_closed", "karma_blackout"),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D06",
                question=gettext_noop("Is no unusual amount blocked?"),
                help=gettext_noop(
                    "Amounts of ten times the usual and more are sent. They must be marked, but carried out: the "
                    "ledger does not decide what is legitimate. Needs the anomaly injection."
                ),
                impact=gettext_noop("Legitimate large operations are refused."),
                where=gettext_noop("Refusals in the scenario's answers; the anomaly rule of the ledger."),
                sources=from_scenarios("anomalies_blocked", "ml_chaos"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.MAJOR,
                needs=Injection.ANOMALY,
            ),
            Rule(
                code="D07",
                question=gettext_noop("Is every unusual amount marked?"),
                help=gettext_noop(
                    "Each planted anomaly must carry the mark in the answer to the caller and in the journal. Needs "
                    "the anomaly injection."
                ),
                impact=gettext_noop("Misuse goes unnoticed."),
                where=gettext_noop("Events anomaly.detected beside the planted amounts."),
                sources=from_scenarios("anomalies_missed", "ml_chaos"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.MAJOR,
                needs=Injection.ANOMALY,
            ),
            Rule(
                code="D08",
                question=gettext_noop("Does the CI score stay above its lower bound?"),
                help=gettext_noop(
                    "The CI score (edge of chaos) says how lively the queue is: below 0.3 the system is frozen. Asked "
                    "over the ordinary phase of the scenario."
                ),
                impact=gettext_noop("The regulation works outside its safe band: too ordered."),
                where=gettext_noop("Events eoc.sampled and eoc.regulated of the ordinary phase."),
                sources=from_scenarios("ci_ppm_min", "ml_chaos"),
                operator=Operator.AT_LEAST,
                threshold=Decimal("0.3"),
                unit=SHARE,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D09",
                question=gettext_noop("Does the CI score stay below its upper bound?"),
                help=gettext_noop(
                    "Above 0.7 the system tips into chaos and the ledger throttles. Asked over the ordinary phase of "
                    "the scenario."
                ),
                impact=gettext_noop("The regulation works outside its safe band: too chaotic."),
                where=gettext_noop("Events eoc.sampled and eoc.regulated of the ordinary phase."),
                sources=from_scenarios("ci_ppm_max", "ml_chaos"),
                operator=Operator.AT_MOST,
                threshold=Decimal("0.7"),
                unit=SHARE,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D10",
                question=gettext_noop("Does the throttle let go again?"),
                help=gettext_noop(
                    "A second phase drives the score above 0.85, so the ledger throttles; then normal load follows. "
                    "Within 20 samples the multiplier must be back at 1 and stay there (1 = yes)."
                ),
                impact=gettext_noop("A short disturbance throttles the system for good (throttle spiral)."),
                where=gettext_noop("The multipliers in the events eoc.regulated after the second phase."),
                sources=from_scenarios("throttle_recovered", "ml_chaos"),
                operator=Operator.EQUAL,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="D11",
                question=gettext_noop("Are only few of the ordinary amounts marked?"),
                help=gettext_noop(
                    "A mark on an ordinary amount is a false alarm. Too many of them and nobody looks at the marks any "
                    "more."
                ),
                impact=gettext_noop("People stop looking at anomaly marks."),
                where=gettext_noop("The amounts around each false alarm in the scenario's journal."),
                sources=from_scenarios("false_positive_ppm", "ml_chaos"),
                operator=Operator.AT_MOST,
                threshold=Decimal(1),
                unit=PERCENT,
                severity=Severity.WARNING,
            ),
        ),
    )
)
