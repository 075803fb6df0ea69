"""Cobertura: lines are counted, claims are held against them, and an empty report covers nothing."""

from __future__ import annotations

import pytest

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
