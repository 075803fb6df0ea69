"""`ledger torture`: what it prints, what it ends with, and how one seed is seen again."""

from pathlib import Path

import pytest

from ledger.tests.commands.calling import call
from ledger.torture.plan import ROUND_SEEDS, SUITES, replay_of, round_of


def test_it_says_what_it_tried_and_that_it_found_nothing(storage: Path) -> None:
    """Two days of interleavings in two processes; the last line is one that a runner of tests would print."""
    done = call("ledger", "torture", "--suite", "interleavings", "--seeds", "2", "--processes", "1")

    assert done.code == 0
    assert "interleavings: 2 seeds, 0 findings" in done.out
    assert "acknowledged" in done.out
    assert done.out.splitlines()[-1] == "1 passed, 0 failed"


def test_a_finding_ends_with_1_and_says_how_to_see_it_again() -> None:
    """Here the disk of the real processes takes no directory at all."""
    done = call("ledger", "torture", "--suite", "kills", "--seed", "7", "--directory", "/proc", "--processes", "1")

    assert done.code == 1
    assert "kills: seed 7: " in done.out
    assert "ledger torture --suite kills --seed" in done.out
    assert done.out.splitlines()[-1] == "0 passed, 1 failed"


def test_a_whole_plan_is_every_suite_with_its_seeds_and_a_replay_is_one_seed() -> None:
    """No round repeats a seed of another."""
    whole = [part for number in range(2) for part in round_of(suites=list(SUITES), seeds=ROUND_SEEDS, number=number)]

    assert len(whole) == len(set(whole)) == 2 * sum(suite.seeds * suite.shares for suite in SUITES.values())
    assert {part.seed for part in replay_of(suites=["crashes"], seed=138)} == {138}


@pytest.mark.parametrize("name", SUITES)
def test_the_plan_asks_for_what_was_promised(name: str) -> None:
    """The numbers of the design."""
    promised = {"kills": 50_000, "crashes": 100_000, "damage": 250_000, "errors": 300, "interleavings": 500}

    assert SUITES[name].at_least == promised[name]
