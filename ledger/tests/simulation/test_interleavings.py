"""Days that a seed decides, and that the same seed decides again."""

import os
import subprocess
import sys

import pytest

from ledger.simulation.interleaving import interleave

ONCE_FOUND = (49, 86, 559, 560, 941)
"""Days that found something: threads that waited for ever, readers beside a rewind, padding that a failed sync lost,
and, worst of all, an end that was mended without the lock while others wrote behind it."""
TRACE = "from ledger.simulation.interleaving import interleave; print(interleave(seed=11).trace)"


@pytest.mark.parametrize("seed", [*range(20), *ONCE_FOUND])
def test_processes_that_are_killed_cut_off_and_refused_keep_every_promise(seed: int) -> None:
    """1 to 4 processes of 1 to 3 threads: nothing acknowledged or shown is lost, nothing refused is there."""
    assert interleave(seed=seed).findings == []


def test_a_seed_makes_the_same_calls_with_the_same_bytes_in_every_process() -> None:
    """Whatever order Python gives its sets: a finding can be looked at again."""
    traces = {
        subprocess.run(
            [sys.executable, "-c", TRACE],
            env={**os.environ, "PYTHONHASHSEED": str(hashing)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hashing in (1, 2)
    }

    assert traces == {interleave(seed=11).trace}
