"""Gate I, imported results: a suite that ran elsewhere ran, broke nowhere, passed and covers its source."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Operator, Rule, Severity, from_scenarios
from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.units import COUNT, PERCENT

IMPORTED_RESULTS = register(
    Gate(
        code="I",
        title=gettext_noop("Imported results"),
        help=gettext_noop(
            "A suite that ran elsewhere, by the files its runner wrote. This gate asks whether it ran at all, broke "
            "nowhere, passed, and covers its source. What the files claim is held against what they list, and the "
            "worse of the two counts."
        ),
        rules=(
            Rule(
                code="I01",
                question=gettext_noop("Did no test break?"),
                help=gettext_noop(
                    "A failed test has an answer, a broken one has none: its module could not be imported, its setup "
                    "failed, or nobody can tell how it ended. Errors that are claimed beyond the listed ones count "
                    "too. Counters of a file that are no number count as one, because its cases cannot be held against "
                    "them, and so does a file without a case."
                ),
                impact=gettext_noop("Part of the suite says nothing about this build."),
                where=gettext_noop("The first broken cases on the run page; the test report in the evidence."),
                sources=from_scenarios("errors", IMPORTED_TESTS),
                operator=Operator.EQUAL,
                threshold=Decimal(0),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="I02",
                question=gettext_noop("Did any test run?"),
                help=gettext_noop(
                    "Counts the cases that came to an outcome of their own, passed or failed. A suite that was "
                    "skipped, or broke before its first test, is not a green one."
                ),
                impact=gettext_noop("Nothing was tested on this build."),
                where=gettext_noop("The command and the selection of tests that the runner was started with."),
                sources=from_scenarios("cases_run", IMPORTED_TESTS),
                operator=Operator.AT_LEAST,
                threshold=Decimal(1),
                unit=COUNT,
                severity=Severity.CRITICAL,
            ),
            Rule(
                code="I03",
                question=gettext_noop("Did enough of the tests pass?"),
                help=gettext_noop(
                    "Passed cases as a share of all that were not skipped. A case that is listed several times counts "
                    "once, by its worst outcome; a case that is claimed and not listed did not pass."
                ),
                impact=gettext_noop("The build does not do what its own tests ask for."),
                where=gettext_noop("The first failed cases on the run page; the test report in the evidence."),
                sources=from_scenarios("pass_rate_ppm", IMPORTED_TESTS),
                operator=Operator.AT_LEAST,
                threshold=Decimal(90),
                unit=PERCENT,
                severity=Severity.MAJOR,
            ),
            Rule(
                code="I04",
                question=gettext_noop("Do the tests cover enough of the source?"),
                help=gettext_noop(
                    "Lines that were executed as a share of all that can be. The lowest of three counts: the listed "
                    "lines, the rate the file claims, and the number of lines it claims."
                ),
                impact=gettext_noop("Faults in what no test executes stay unseen."),
                where=gettext_noop("The coverage report in the evidence: its files with the lowest line rate."),
                sources=from_scenarios("line_rate_ppm", IMPORTED_COVERAGE),
                operator=Operator.AT_LEAST,
                threshold=Decimal(95),
                unit=PERCENT,
                severity=Severity.MAJOR,
            ),
        ),
    )
)
