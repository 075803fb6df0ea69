"""The short forms of two suites of the test plan, with the assertions of the long ones."""

import pytest

from ledger.simulation.crashes import crash_everywhere
from ledger.simulation.damage import KINDS, damage_everywhere


def test_a_crash_at_any_call_of_a_workload_loses_nothing_that_was_acknowledged() -> None:
    """A kill and a power cut before every call: nothing lost, nothing invented, nothing taken for damage."""
    outcome = crash_everywhere(seed=3, operations=25, images=1)

    assert outcome.findings == []
    assert outcome.tried > 300


@pytest.mark.parametrize("kind", KINDS)
def test_a_torn_flush_is_cut_and_damage_below_the_mark_is_reported(kind: str) -> None:
    """A sample of all truncations, subsets of sectors, bit flips and moved blocks of a flush of four commands."""
    outcome = damage_everywhere(seed=1, commands=4, kind=kind, share=(1, 97))

    assert outcome.findings == []
    assert outcome.tried > 0
