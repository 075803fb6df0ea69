"""Every planted bug is found by the suite that is there for it, and the engine without one by none."""

from pathlib import Path

import pytest

import ledger.engine
from ledger.tests.mutants.__main__ import MODULES, changes_in
from ledger.tests.mutants.planted import PLANTED, Planted
from ledger.tests.mutants.planting import killed_by
from ledger.tests.mutants.suites import SUITES
from ledger.tests.mutants.unfound import EQUIVALENT, SURVIVORS

ENGINE = Path(ledger.engine.__file__).parent
SECONDS = 120


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_a_suite_finds_the_planted_bug(planted: Planted) -> None:
    """A bug that survives its suite shows that the suite cannot fail."""
    source = (ENGINE / planted.file).read_text(encoding="utf-8")
    assert source.count(planted.old) == 1, f"{planted.file} changed: plant the bug in it anew"

    changed = source.replace(planted.old, planted.new).encode()
    module = f"ledger.engine.{planted.file.removesuffix('.py')}"

    assert killed_by(SUITES[planted.suite], module=module, source=changed, seconds=SECONDS)


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_finds_nothing_in_the_engine_as_it_is(suite: str) -> None:
    """What it finds in others is the planted bug and nothing else."""
    assert SUITES[suite]() == ""


def test_planting_what_is_there_already_changes_nothing() -> None:
    """What is found in a planted bug does not come from planting it."""
    source = (ENGINE / "store.py").read_bytes()

    assert killed_by(SUITES["commands"], module="ledger.engine.store", source=source, seconds=SECONDS) == ""


def test_there_are_enough_of_them_and_each_has_a_name_and_a_history_of_its_own() -> None:
    """At least 15."""
    assert len({planted.name for planted in PLANTED}) == len(PLANTED) >= 15
    assert len({planted.history for planted in PLANTED}) == len(PLANTED)
    assert {planted.suite for planted in PLANTED} == SUITES.keys()


def test_every_change_that_is_listed_as_not_found_can_still_be_made() -> None:
    """Each is another one, has a reason, and stands in one list only; who edits the line looks at the list again."""
    names = [f"{module}.{change.name}" for module in MODULES for change in changes_in(module)]

    assert len(names) == len(set(names)) > 250
    assert EQUIVALENT.keys() | SURVIVORS.keys() <= set(names)
    assert EQUIVALENT.keys().isdisjoint(SURVIVORS)
    assert all({**EQUIVALENT, **SURVIVORS}.values())
