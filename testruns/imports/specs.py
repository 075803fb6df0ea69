"""What an import can measure: names and units that stay for ever, and words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ledger import gettext_noop
from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.scenarios.stage.measures import counted
from testruns.scenarios.stage.registry import MeasurementSpec
from testruns.units import PPM, SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedReport:
    """One kind of file that can be brought; it stands where a live run has a scenario.

    file: the name of the field it is sent in, and its role as evidence.
    """

    code: str
    file: str
    title: str
    help: str
    measures: tuple[MeasurementSpec, ...]


_REPORTS: Final = gettext_noop("Files that were brought together.")

TEST_MEASURES: Final = (
    counted("reports", _REPORTS),
    counted("reports_empty", gettext_noop("Files among them without a test case: errors.")),
    counted("cases", gettext_noop("Different test cases in the files; one that is listed twice is one.")),
    counted("cases_run", gettext_noop("Cases that ran to an outcome of their own: passed or failed.")),
    counted("passed", gettext_noop("Cases that passed.")),
    counted("failures", gettext_noop("Cases that failed, those claimed beyond the listed ones included.")),
    counted(
        "errors",
        gettext_noop(
            "Cases and suites that broke, or whose outcome nobody can tell; one more for a file with a counter that is "
            "no number, or without a case."
        ),
    ),
    counted("skipped", gettext_noop("Cases that were skipped. They count neither for nor against the pass rate.")),
    MeasurementSpec(
        name="pass_rate_ppm",
        unit=PPM,
        help=gettext_noop(
            "Passed cases as a share of all that were not skipped; claimed cases that are not listed count as not "
            "passed. Rounded down."
        ),
    ),
    counted("duplicates", gettext_noop("Listings of a case that was listed before; its worst outcome counts.")),
    counted("flaky", gettext_noop("Cases that failed first and passed when they were run again.")),
    counted("outcomes_unclear", gettext_noop("Cases whose outcome is told in a way that nobody knows: errors.")),
    counted("suite_errors", gettext_noop("Failures and errors of a whole suite, outside of any case.")),
    counted("suites", gettext_noop("Suites in the file, nested ones included.")),
    counted("cases_listed", gettext_noop("Cases as they are listed, repetitions included.")),
    counted("cases_claimed", gettext_noop("Cases the counters of the file claim.")),
    counted("cases_unlisted", gettext_noop("Cases that are claimed and not listed.")),
    counted("failures_claimed", gettext_noop("Failures the counters of the file claim.")),
    counted("errors_claimed", gettext_noop("Errors the counters of the file claim.")),
    counted("skipped_claimed", gettext_noop("Skipped cases the counters of the file claim.")),
    counted(
        "counters_unreadable",
        gettext_noop("Counters that are no number: the cases cannot be held against them, which is one error."),
    ),
    counted("times_missing", gettext_noop("Cases that do not say how long they took.")),
    counted("times_unreadable", gettext_noop("Cases whose time is no length of time, such as NaN.")),
    MeasurementSpec(name="time_seconds", unit=SECONDS, help=gettext_noop("The times of all listed cases together.")),
    MeasurementSpec(
        name="time_claimed_seconds", unit=SECONDS, help=gettext_noop("The time the file claims for everything.")
    ),
)

COVERAGE_MEASURES: Final = (
    counted("reports", _REPORTS),
    counted("reports_empty", gettext_noop("Files among them without a line; then no line rate is measured.")),
    counted("files", gettext_noop("Source files with at least one line that can be executed.")),
    counted("lines", gettext_noop("Different lines that can be executed.")),
    counted("lines_covered", gettext_noop("Lines that were executed at least once.")),
    MeasurementSpec(
        name="line_rate_ppm",
        unit=PPM,
        help=gettext_noop(
            "Covered lines as a share of all; each file counts only as far as the lowest of what was counted in it "
            "and what it claims. Not measured when a file has no line. Rounded down."
        ),
    ),
    MeasurementSpec(name="line_rate_counted_ppm", unit=PPM, help=gettext_noop("The line rate by the listed lines.")),
    MeasurementSpec(name="line_rate_claimed_ppm", unit=PPM, help=gettext_noop("The line rate the file claims.")),
    counted("lines_claimed", gettext_noop("Lines the file claims.")),
    counted("lines_covered_claimed", gettext_noop("Covered lines the file claims.")),
    counted("branches", gettext_noop("Branches of the listed lines.")),
    counted("branches_covered", gettext_noop("Branches that were taken at least once.")),
    MeasurementSpec(
        name="branch_rate_counted_ppm", unit=PPM, help=gettext_noop("Taken branches as a share of the listed ones.")
    ),
    MeasurementSpec(name="branch_rate_claimed_ppm", unit=PPM, help=gettext_noop("The branch rate the file claims.")),
    counted("lines_unreadable", gettext_noop("Lines whose number or hits are no number; they count as not covered.")),
    counted("claims_unreadable", gettext_noop("Claims of the file that are no number or no rate, such as NaN.")),
)

IMPORTED_REPORTS: Final[Mapping[str, ImportedReport]] = MappingProxyType(
    {
        IMPORTED_TESTS: ImportedReport(
            code=IMPORTED_TESTS,
            file="junit",
            title=gettext_noop("Imported test report"),
            help=gettext_noop(
                "The JUnit XML files of a suite that ran elsewhere. Its cases are counted one by one and held against "
                "what each file claims; the worse of the two counts."
            ),
            measures=TEST_MEASURES,
        ),
        IMPORTED_COVERAGE: ImportedReport(
            code=IMPORTED_COVERAGE,
            file="coverage",
            title=gettext_noop("Imported coverage report"),
            help=gettext_noop(
                "The Cobertura XML files of a suite that ran elsewhere. Its lines are counted one by one and held "
                "against what each file claims; the worse of the two counts."
            ),
            measures=COVERAGE_MEASURES,
        ),
    }
)
"""By the code that stands where a scenario's code stands."""
