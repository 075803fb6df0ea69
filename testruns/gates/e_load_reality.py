"""Gate E, load reality: the ledger holds under load for long enough to mean something."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Kind, Operator, Rule, Severity, from_scenarios
from testruns.units import (
    COUNT,
    MEGABYTES_PER_MINUTE,
    MICRO_CREDITS,
    MILLISECONDS,
    OPERATIONS_PER_SECOND,
    PERCENT,
    SECONDS,
)

LOAD_REALITY = register(
    Gate(
        code="E",
        title=gettext_noop("Load reality"),
        help=gettext_noop(
            "Half an hour of mixed load at a fixed rate, and a storm of parallel spending. This gate asks for "
            "correctness at the end, enough duration, latency, memory and errors. A shorter soak cannot answer it."
        ),
        rules=(
            Rule(
                code="E01",
                question=gettext_noop("Is there no drift at the end of the soak?"),
                help=gettext_noop(
                    "After the whole load every balance is compared with the sum of its events, across at least ten "
                    "sealed segments. The largest difference must be 0."
                ),
                impact=gettext_noop("Balances drift away from the journal under long load."),
                where=gettext_noop("The balance projection against the sum of the journal; sealing of segments."),
                sources=from_scenarios("drift_micros_max", "load_reality"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=MICRO_CREDITS,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="E02",
                question=gettext_noop("Did the soak last long enough?"),
                help=gettext_noop(
                    "Leaks and drift show only after a while. A shorter soak is no fault, it just proves nothing: then "
                    "the answer is inconclusive and says how many seconds are missing."
                ),
                impact=gettext_noop("Nothing is known about behaviour over time."),
                where=gettext_noop("The run's plan: the profile full has the required length."),
                sources=from_scenarios("duration_seconds", "load_reality"),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1800),
                unit=SECONDS,
                severity=Severity.MAJOR,
                kind=Kind.DURATION,
            ),
            Rule(
                code="E03",
                question=gettext_noop("Are 95 percent of the operations answered in time?"),
                help=gettext_noop(
                    "Measured from the moment an operation was due, so a stall counts for everyone who waited."
                ),
                impact=gettext_noop("Callers wait noticeably, or run into their own timeouts."),
                where=gettext_noop("Latency percentiles over time on the run page; the disk's fsync floor."),
                sources=from_scenarios("p95_us", "load_reality"),
                operator=Operator.LESS,
                threshold=Decimal(500),
                blocking=Decimal(1000),
                unit=MILLISECONDS,
                severity=Severity.MAJOR,
                kind=Kind.TIMING,
            ),
            Rule(
                code="E04",
                question=gettext_noop("Does memory stay flat?"),
                help=gettext_noop(
                    "The trend of the process's own memory after warm-up, as a slope with an interval. Only when the "
                    "whole interval lies below the threshold does it pass; only when the whole interval lies above "
                    "does it fail."
                ),
                impact=gettext_noop("The ledger runs out of memory after days."),
                where=gettext_noop("The memory chart with its trend line; tables that grow with the number of events."),
                sources=from_scenarios("memory_slope", "load_reality"),
                operator=Operator.LESS,
                threshold=Decimal("0.1"),
                blocking=Decimal("0.5"),
                unit=MEGABYTES_PER_MINUTE,
                severity=Severity.MAJOR,
                kind=Kind.MEMORY,
            ),
            Rule(
                code="E05",
                question=gettext_noop("Was no operation answered with an error?"),
                help=gettext_noop(
                    "A refusal for lack of credits is a right answer and does not count. Everything else that is not "
                    "an answer does."
                ),
                impact=gettext_noop("Operations fail under ordinary load."),
                where=gettext_noop("The scenario's error output; the samples in which errors were counted."),
                sources=from_scenarios("errors", "load_reality"),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="E06",
                question=gettext_noop("Are 95 percent of the storm's operations answered in time?"),
                help=gettext_noop(
                    "The storm is far above ordinary load: many threads and two further processes at once."
                ),
                impact=gettext_noop("Peaks of load are felt by callers."),
                where=gettext_noop("Lock waiting times and group commit under many writers."),
                sources=from_scenarios("p95_us", "credit_storm"),
                operator=Operator.LESS,
                threshold=Decimal(300),
                unit=MILLISECONDS,
                severity=Severity.WARNING,
                kind=Kind.TIMING,
            ),
            Rule(
                code="E07",
                question=gettext_noop("Does the storm reach its throughput?"),
                help=gettext_noop(
                    "Operations the storm got an answer to; being refused for lack of credits is a right answer. What "
                    "was carried out, durable on disk, and what was refused stand apart in the scenario's figures."
                ),
                impact=gettext_noop("There is little reserve above ordinary load."),
                where=gettext_noop("The disk's fsync floor in the environment; the size of the group commits."),
                sources=from_scenarios("operations_per_second", "credit_storm"),
                operator=Operator.MORE,
                threshold=Decimal(100),
                unit=OPERATIONS_PER_SECOND,
                severity=Severity.WARNING,
                kind=Kind.TIMING,
            ),
            Rule(
                code="E08",
                question=gettext_noop("Is the second half of the soak about as fast as the first?"),
                help=gettext_noop(
                    "Compares the latency of the two halves. A system that slows down as its journal grows shows here "
                    "first."
                ),
                impact=gettext_noop("The ledger gets slower the longer it runs."),
                where=gettext_noop("Latency over time; look-ups whose cost grows with the journal."),
                sources=from_scenarios("degradation_ppm", "load_reality"),
                operator=Operator.AT_MOST,
                threshold=Decimal(10),
                unit=PERCENT,
                severity=Severity.WARNING,
                kind=Kind.TIMING,
            ),
        ),
    )
)
