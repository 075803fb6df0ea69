"""The short forms of two suites of the test plan, with the assertions of the long ones."""

import pytest

from ledger.simulation.crashes import crash_everywhere
from ledger.simulation.damage import FLUSHES, KINDS, count_images, damage_everywhere


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


def test_the_plan_loses_the_sectors_of_whole_flushes_in_more_than_twenty_thousand_ways() -> None:
    """Different images of flushes of up to 64 commands, of which any subset of the sectors reached the disk."""
    counts = [count_images(seed=1, commands=commands, kind="sectors") for commands in FLUSHES]

    assert sum(counts) >= 20_000
