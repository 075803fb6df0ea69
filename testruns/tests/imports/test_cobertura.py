"""Cobertura: lines are counted, claims are held against them, and an empty report covers nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testruns.imports.cobertura import read_cobertura
from testruns.imports.refusals import Misplaced
from testruns.tests.imports.reports import coverage, figures


def of_lines(lines: str, *, root: str = "") -> bytes:
    """A report of one source with these lines."""
    classes = f'<classes><class filename="a"><lines>{lines}</lines></class></classes>'
    return f"<coverage {root}><packages><package>{classes}</package></packages></coverage>".encode()


def test_lines_are_counted_and_agree_with_a_true_claim() -> None:
    """19 of 20."""
    read = figures(read_cobertura(coverage(19, 20)))

    assert (read["lines"], read["lines_covered"], read["files"]) == (20, 19, 1)
    assert read["line_rate_ppm"] == read["line_rate_counted_ppm"] == read["line_rate_claimed_ppm"] == 950_000


@pytest.mark.parametrize(
    ("root", "rate"),
    [
        ('line-rate="1"', 500_000),
        ('line-rate="0.25"', 250_000),
        ('lines-valid="1000" lines-covered="100"', 100_000),
        ('line-rate="1" lines-valid="10" lines-covered="20"', 500_000),
        ("", 500_000),
    ],
)
def test_the_lowest_of_counted_and_claimed_counts(root: str, rate: int) -> None:
    """5 of 10 lines are covered, whatever the file claims above that; below it the claim counts."""
    assert figures(read_cobertura(coverage(5, 10, root=root)))["line_rate_ppm"] == rate


@pytest.mark.parametrize("claim", ["NaN", "1.5", "-0.1", "0,95", "", "100%", "1e9", "inf"])
def test_a_claim_that_is_no_rate_is_counted_and_claims_nothing(claim: str) -> None:
    """The counted lines stand alone."""
    read = figures(read_cobertura(coverage(1, 2, root=f'line-rate="{claim}"')))

    assert (read["claims_unreadable"], read["line_rate_ppm"]) == (1, 500_000)
    assert "line_rate_claimed_ppm" not in read


@pytest.mark.parametrize("content", [coverage(0, 0), b'<coverage line-rate="1" branch-rate="1"/>'])
def test_a_report_without_a_line_measures_nothing_whatever_it_claims(content: bytes) -> None:
    """coverage.py writes a line rate of 1 for a suite that executed nothing."""
    read = figures(read_cobertura(content))

    assert read["lines"] == 0
    assert "line_rate_ppm" not in read


def test_a_line_of_class_and_method_is_one_line_and_any_hit_covers_it() -> None:
    """Cobertura lists each line of a method twice, and several classes may share a file."""
    line = '<lines><line number="1" hits="{}"/></lines>'
    one = f'<class filename="a"><methods><method>{line.format(0)}</method></methods>{line.format(0)}</class>'
    other = f'<class filename="a"><methods/>{line.format(3)}</class>'
    content = f"<coverage><packages><package><classes>{one}{other}</classes></package></packages></coverage>"

    read = figures(read_cobertura(content.encode()))

    assert (read["lines"], read["lines_covered"]) == (1, 1)


@pytest.mark.parametrize("line", ['number="x" hits="1"', 'number="1"', 'number="1" hits="NaN"', 'number="1" hits="-1"'])
def test_a_line_that_cannot_be_read_is_not_covered(line: str) -> None:
    """It stays in the sum of all lines."""
    read = figures(read_cobertura(of_lines(f'<line number="2" hits="1"/><line {line}/>')))

    assert (read["lines_unreadable"], read["lines"], read["lines_covered"]) == (1, 2, 1)


def test_branches_are_measured_beside_the_lines() -> None:
    """Taken and all, of each line, and what the file claims."""
    half = '<line number="1" hits="1" branch="true" condition-coverage="50% (1/2)"/>'
    unreadable = '<line number="2" hits="1" condition-coverage="bad"/>'

    read = figures(read_cobertura(of_lines(half + unreadable, root='branch-rate="0.75"')))

    assert (read["branches"], read["branches_covered"]) == (2, 1)
    assert (read["branch_rate_counted_ppm"], read["branch_rate_claimed_ppm"]) == (500_000, 750_000)


def test_another_format_with_the_same_root_is_refused() -> None:
    """Clover begins with <coverage> too; without this it would read as a report without a line."""
    with pytest.raises(Misplaced, match="<project> within <coverage> in line 1"):
        read_cobertura(b'<coverage generated="1"><project><metrics/></project></coverage>')


def test_a_line_that_two_files_list_is_covered_when_one_of_them_covers_it() -> None:
    """Two shards of one suite: 10 of 20 lines by one, 15 by the other."""
    read = figures(read_cobertura(coverage(10, 20), coverage(15, 20)))

    assert (read["reports"], read["files"], read["lines"], read["lines_covered"]) == (2, 1, 20, 15)
    assert read["line_rate_ppm"] == 750_000


def test_files_of_the_same_name_in_two_modules_are_two() -> None:
    """`__init__.py` of one module says nothing about that of another."""
    read = figures(read_cobertura(coverage(20, 20, below="/src/one"), coverage(0, 20, below="/src/two")))

    assert (read["files"], read["lines"], read["line_rate_ppm"]) == (2, 40, 500_000)


def test_what_one_file_claims_less_than_it_lists_is_taken_from_the_whole() -> None:
    """Together they are never greener than what each of them tells: here 100 % of 10 lines and 50 % of 30."""
    humble = coverage(30, 30, root='line-rate="0.5"', name="b.py")

    read = figures(read_cobertura(coverage(10, 10), humble))

    assert (read["line_rate_counted_ppm"], read["line_rate_ppm"]) == (1_000_000, 625_000)
    assert read["line_rate_claimed_ppm"] == 625_000


def test_a_file_without_a_line_among_others_leaves_the_whole_unmeasured() -> None:
    """A module whose coverage was never collected is not hidden by the others."""
    read = figures(read_cobertura(coverage(10, 10), coverage(0, 0, name="b.py")))

    assert read["reports_empty"] == 1
    assert "line_rate_ppm" not in read


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(0, 10_000)), min_size=1, max_size=6))
def test_different_files_are_together_what_they_tell_one_by_one(reports: list[tuple[int, int, int]]) -> None:
    """The rate is the average of each file's own, by lines; of one file, its own to the last digit."""
    files = [
        coverage(min(covered, total), total, root=f'line-rate="{Decimal(claim) / 10_000}"', name=f"{place}.py")
        for place, (covered, total, claim) in enumerate(reports)
    ]
    alone = [figures(read_cobertura(one)) for one in files]

    together = figures(read_cobertura(*files))

    told = sum(one["line_rate_ppm"] * one["lines"] for one in alone)
    assert together["line_rate_ppm"] == told // sum(one["lines"] for one in alone)
