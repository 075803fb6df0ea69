"""JUnit XML: cases are counted one by one, and no file looks better than the cases it lists."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testruns.imports import junit
from testruns.imports.junit import read_junit
from testruns.imports.refusals import BeyondLimit
from testruns.tests.imports.reports import NEVER_RAN, UNIT, figures, passing, suite


def case(name: str, inside: str = "", *, more: str = "") -> str:
    """One test case."""
    return f'<testcase classname="c" name="{name}" time="0.5" {more}>{inside}</testcase>'


def test_a_real_suite_with_two_failures_of_74_is_measured_as_it_is() -> None:
    """The file of another project's unit tests, as its runner wrote it, with the names of what failed."""
    results = read_junit(UNIT)

    read = figures(results)
    assert (read["cases"], read["cases_run"], read["passed"], read["failures"], read["errors"]) == (74, 74, 72, 2, 0)
    assert (read["cases_claimed"], read["cases_unlisted"], read["duplicates"]) == (74, 0, 0)
    assert read["pass_rate_ppm"] == 972_972  # 72 of 74, rounded down
    assert read["time_claimed_seconds"] > read["time_seconds"] > 0
    assert [one.name.split()[-1] for one in results.not_passed] == [
        "test_expired_token_rejection",
        "test_store_recovery",
    ]


def test_a_real_suite_that_never_ran_has_run_nothing() -> None:
    """Three modules that could not be imported: three errors, no case that ran, nothing passed."""
    read = figures(read_junit(NEVER_RAN))

    assert (read["cases"], read["cases_run"], read["errors"], read["pass_rate_ppm"]) == (3, 0, 3, 0)


@pytest.mark.parametrize("content", [b"<testsuites/>", suite(""), b"<testsuites><testsuite/><testsuite/></testsuites>"])
def test_an_empty_suite_ran_nothing_and_has_no_pass_rate(content: bytes) -> None:
    """Nothing divided by nothing is not 100 percent."""
    read = figures(read_junit(content))

    assert (read["cases"], read["cases_run"]) == (0, 0)
    assert "pass_rate_ppm" not in read


def test_a_suite_that_was_only_skipped_ran_nothing() -> None:
    """Skipped cases are neither for nor against, so nothing is left."""
    read = figures(read_junit(passing(0, skipped=5)))

    assert (read["cases"], read["skipped"], read["cases_run"]) == (5, 5, 0)
    assert "pass_rate_ppm" not in read


def test_skipped_cases_do_not_count_into_the_pass_rate() -> None:
    """Three passed of three that were not skipped."""
    assert figures(read_junit(passing(3, skipped=97)))["pass_rate_ppm"] == 1_000_000


def test_nested_suites_are_counted_through_and_their_claims_not_doubled() -> None:
    """A suite that counts what is below it, one that does not, and one without counters."""
    content = (
        f'<testsuites><testsuite name="outer" tests="3"><testsuite tests="2">{case("a")}{case("b")}</testsuite>'
        f'{case("c")}</testsuite><testsuite>{case("d")}<testsuite tests="1">{case("e")}</testsuite></testsuite>'
        "</testsuites>"
    ).encode()

    read = figures(read_junit(content))

    assert (read["suites"], read["cases"], read["cases_claimed"], read["cases_unlisted"]) == (4, 5, 5, 0)


def test_a_suite_without_counters_claims_nothing() -> None:
    """What is not said is not measured, and is no difference either."""
    read = figures(read_junit(suite(case("a"))))

    assert "cases_claimed" not in read
    assert (read["cases_unlisted"], read["pass_rate_ppm"]) == (0, 1_000_000)


@pytest.mark.parametrize("counter", ["-1", "1,000", "NaN", "", "1e3", "9" * 400])
def test_a_counter_that_is_no_number_is_an_error_and_claims_nothing(counter: str) -> None:
    """It neither breaks the reading nor passes for 0, and what it hides is not green."""
    read = figures(read_junit(suite(case("a"), f'tests="{counter}"')))

    assert (read["counters_unreadable"], read["errors"]) == (1, 1)
    assert "cases_claimed" not in read


def test_unreadable_counters_are_one_error_beside_the_others() -> None:
    """Of the root, of a suite below it and beside a counter that can be read; a missing one is none."""
    broken = f'<testsuite tests="x" errors="">{case("a")}{case("b", "<error/>")}</testsuite>'
    content = f'<testsuites tests="{"9" * 26}" failures="1e3">{broken}</testsuites>'.encode()

    read = figures(read_junit(content))

    assert (read["counters_unreadable"], read["errors"]) == (4, 2)
    assert figures(read_junit(suite(case("a"), 'tests="1"')))["errors"] == 0


def test_cases_that_are_claimed_and_not_listed_did_not_pass() -> None:
    """A runner that died after 6 of 10 cases."""
    read = figures(read_junit(suite("".join(map(case, "abcdef")), 'tests="10" failures="0" errors="0"')))

    assert (read["cases_unlisted"], read["passed"], read["pass_rate_ppm"]) == (4, 6, 600_000)


def test_failures_and_errors_that_are_claimed_without_a_case_count() -> None:
    """All listed cases look passed, the counters say otherwise: the worse one counts."""
    read = figures(read_junit(suite("".join(map(case, "abcd")), 'tests="4" failures="1" errors="1"')))

    assert (read["failures"], read["errors"], read["passed"], read["pass_rate_ppm"]) == (1, 1, 2, 500_000)


def test_a_suite_that_breaks_outside_of_any_case_is_an_error_once() -> None:
    """Whether the counters tell of it or not."""
    broken = f"{case('a')}<error message='no database'/>"

    assert figures(read_junit(suite(broken)))["errors"] == 1
    assert figures(read_junit(suite(broken, 'tests="1" errors="1"')))["errors"] == 1
    assert figures(read_junit(suite(f"<properties><failure/></properties>{case('a')}")))["errors"] == 1


def test_a_case_listed_twice_counts_once_by_its_worst_outcome() -> None:
    """Listing a green case a hundred times does not lift the pass rate."""
    cases = case("bad", "<failure/>") + case("bad") + case("good") * 99

    read = figures(read_junit(suite(cases)))

    assert (read["cases_listed"], read["cases"], read["duplicates"]) == (101, 2, 99)
    assert (read["passed"], read["failures"], read["pass_rate_ppm"]) == (1, 1, 500_000)


def test_names_differ_by_case_and_by_class() -> None:
    """`Test` and `test` are two cases, and so is a name of another class; one without a name is no repetition."""
    cases = case("t") + case("T") + '<testcase classname="d" name="t"/><testcase classname="d"/><testcase/><testcase/>'

    read = figures(read_junit(suite(cases)))

    assert (read["cases"], read["duplicates"]) == (6, 0)


@pytest.mark.parametrize(
    ("inside", "more", "counted"),
    [
        ("<failure/>", "", "failures"),
        ("<error/>", "", "errors"),
        ("<failure/><error/>", "", "errors"),
        ("<skipped/>", "", "skipped"),
        ("<skipped/><failure/>", "", "failures"),
        ("<rerunFailure/>", "", "failures"),
        ("<flakyFailure/>", "", "passed"),
        ("<system-out>fail</system-out><properties><property/></properties>", "", "passed"),
        ("", 'status="run" result="completed"', "passed"),
        ("", 'status=" Success "', "passed"),
        ("", 'status="" result="OK"', "passed"),
        ("", 'status="run" result="skipped"', "skipped"),
        ("<failure/>", 'status="run" result="completed"', "failures"),
        ("", 'result="disabled"', "skipped"),
        ("", 'status="notrun"', "skipped"),
        ("", 'result="suppressed"', "skipped"),
        ("", 'status="FAILED"', "failures"),
        ("<skipped/>", 'status="error"', "errors"),
    ],
)
def test_every_way_to_tell_an_outcome_is_understood(inside: str, more: str, counted: str) -> None:
    """Of pytest, Surefire, GoogleTest and CTest; the worst of what is told counts."""
    read = figures(read_junit(suite(case("a", inside, more=more))))

    assert {name: read[name] for name in ("passed", "failures", "errors", "skipped")} == {
        name: int(name == counted) for name in ("passed", "failures", "errors", "skipped")
    }


@pytest.mark.parametrize(
    ("inside", "more"),
    [
        ("<failed/>", ""),
        ("", 'result="Inconclusive"'),
        ("", 'status="warning"'),
        ("", 'status="passed" result="unknown"'),
        ("<skipped/>", 'status="0"'),
        ("<properties><failure/></properties>", ""),
        ("<properties><property><error/></property></properties>", ""),
        ("<system-out><skipped/></system-out>", ""),
        ("<skipped><failure/></skipped>", ""),
        ("<flakyFailure><stackTrace/><failure/></flakyFailure>", ""),
    ],
)
def test_an_outcome_told_in_an_unknown_way_or_place_is_an_error(inside: str, more: str) -> None:
    """Nobody can tell that `<failed>` or `warning` means passed, nor what a failure among the properties is."""
    read = figures(read_junit(suite(case("a", inside, more=more))))

    assert (read["outcomes_unclear"], read["errors"], read["passed"]) == (1, 1, 0)


def test_a_case_that_passed_only_when_run_again_is_told() -> None:
    """It passed, and people see that it did not at first."""
    assert figures(read_junit(suite(case("a", "<flakyFailure/>"))))["flaky"] == 1


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("0.25", "0.25"), ("1,234.5", "1234.5"), ("1.0E-3", "0.001"), (" 2 ", "2"), ("0", "0"), ("1e-99", "0")],
)
def test_a_time_is_read_as_runners_write_it(time: str, seconds: str) -> None:
    """With grouped thousands and exponents."""
    read = figures(read_junit(suite(f'<testcase name="a" time="{time}"/>')))

    assert read["time_seconds"] == Decimal(seconds)
    assert len(f"{read['time_seconds']:f}") <= 60  # what a row holds
    assert (read["times_missing"], read["times_unreadable"]) == (0, 0)


@pytest.mark.parametrize("time", ["NaN", "-1", "inf", "Infinity", "", "0,5", "1e999", "٣", "0x10", "1" * 500])
def test_a_time_that_is_none_is_counted_and_adds_nothing(time: str) -> None:
    """It is a measurement of its own, never a 0 that looks measured."""
    read = figures(read_junit(suite(f'{case("a")}<testcase name="b" time="{time}"/><testcase name="c"/>')))

    assert (read["times_unreadable"], read["times_missing"]) == (1, 1)
    assert read["time_seconds"] == Decimal("0.5")


def test_names_for_people_are_short_plain_and_few() -> None:
    """At most twenty, on one line, without hidden signs, whatever the file calls them."""
    name = "evil\u202e\u200b " + "x" * 500
    cases = "".join(f'<testcase classname="{n}&#10;" name="{name}"><failure/></testcase>' for n in range(50))

    named = read_junit(suite(cases)).not_passed

    assert len(named) == 20
    assert all(len(one.name) <= 200 and one.name.isprintable() for one in named)
    assert named[7].name.startswith("7 evil\N{REPLACEMENT CHARACTER}")


def test_several_files_are_one_suite_and_a_case_of_two_counts_once_by_its_worst_outcome() -> None:
    """Sharded suites, and a matrix that runs the same cases twice."""
    read = figures(read_junit(suite(case("a") + case("b")), suite(case("b", "<failure/>") + case("c"))))

    assert (read["reports"], read["cases"], read["cases_listed"], read["duplicates"]) == (2, 3, 4, 1)
    assert (read["passed"], read["failures"], read["pass_rate_ppm"]) == (2, 1, 666_666)
    assert read["time_seconds"] == 2


def test_no_file_makes_up_for_what_another_claims_and_does_not_list() -> None:
    """4 claimed and 2 listed stay 2 that did not pass, whatever a second file lists without claiming it."""
    short = suite(case("a") + case("b"), 'tests="4" failures="0" errors="0"')
    generous = suite(case("c") + case("d") + case("e"), 'tests="1" failures="0" errors="0"')

    read = figures(read_junit(short, generous))

    assert (read["cases_claimed"], read["cases_listed"], read["cases_unlisted"]) == (5, 5, 2)
    assert read["pass_rate_ppm"] == 714_285  # 5 of 7


@pytest.mark.parametrize("silent", [suite(""), b"<testsuites/>", suite("", 'tests="0"')])
def test_a_file_without_a_case_is_an_error_among_others(silent: bytes) -> None:
    """One of many shards that never began would otherwise be hidden by those that ran."""
    read = figures(read_junit(passing(50), silent))

    assert (read["reports_empty"], read["errors"], read["pass_rate_ppm"]) == (1, 1, 1_000_000)


def test_a_counter_that_is_no_number_is_named_with_its_file_and_line() -> None:
    """Before the cases that broke: who reads the finding finds what to mend."""
    named = read_junit(passing(1), suite(case("a", "<error/>"), 'tests="many"')).not_passed

    assert [one.name for one in named] == ['s junit[2], line 1: tests="many"', "c a"]
    assert {one.outcome for one in named} == {"error"}


def test_the_limit_of_cases_is_that_of_all_files_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal names the file in which it was passed; lowered here."""
    monkeypatch.setattr(junit, "CASES_MAX", 5)

    with pytest.raises(BeyondLimit, match=r"junit\[2\]: .*test cases, at most 5"):
        read_junit(passing(3), passing(3))
