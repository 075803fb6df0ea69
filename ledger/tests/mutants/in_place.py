"""The quicker suites of the planted bugs as tests, measured and run like any other; not collected by itself."""

import pytest

from ledger.tests.mutants.suites import SUITES

QUICK = ("commands", "torn", "errors_of_syncs", "crashes", "interleavings")


@pytest.mark.parametrize("suite", QUICK)
def test_a_suite_finds_nothing(suite: str) -> None:
    """Whatever it finds is the change that was made."""
    assert SUITES[suite]() == ""
