"""Scratch directories: the last runs and failing ones stay, the rest goes, 20 GB at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from testruns.actions.scratch import attempt_directory, sweep
from testruns.models import RuleResult, Run
from testruns.run_states import RunState
from testruns.tests.runs.conftest import MakeRun

pytestmark = pytest.mark.django_db


def ended(make_run: MakeRun, *, size: int = 4096, is_failing: bool = False) -> Run:
    """A run that is over, with a file of this size as its scratch."""
    run = make_run(scenarios=("credit_storm",))
    directory = attempt_directory(execution=run.executions.get(), number=1)
    directory.mkdir(parents=True)
    (directory / "journal").write_bytes(b"x" * size)
    if is_failing:
        RuleResult.objects.create(
            run=run, code="A01", gate="A", severity="critical", verdict="FAIL", operator="=", is_blocking=True
        )
    Run.objects.filter(pk=run.pk).update(state=RunState.UNFINISHED.value, finished_at=timezone.now())
    return run


def kept(storage: Path) -> set[int]:
    return {int(path.name) for path in (storage / "runs").iterdir()}


def test_the_last_three_runs_stay_and_older_ones_go(make_run: MakeRun, storage: Path) -> None:
    """What was digested is in the evidence."""
    runs = [ended(make_run) for _ in range(5)]

    deleted = sweep()

    assert deleted == [runs[0].pk, runs[1].pk]
    assert kept(storage) == {run.pk for run in runs[2:]}


def test_a_failing_run_stays_for_whoever_has_to_look(make_run: MakeRun, storage: Path) -> None:
    """However old it is."""
    failing, *others = ended(make_run, is_failing=True), *(ended(make_run) for _ in range(4))

    sweep()

    assert kept(storage) == {failing.pk, *(run.pk for run in others[1:])}


def test_when_it_is_too_much_the_oldest_go_even_failing_ones(make_run: MakeRun, storage: Path) -> None:
    """The bound is a bound."""
    runs = [ended(make_run, size=100_000, is_failing=True) for _ in range(4)]

    sweep(bytes_max=250_000)

    assert kept(storage) == {run.pk for run in runs[2:]}


def test_a_run_that_waits_or_works_is_never_touched(make_run: MakeRun, storage: Path) -> None:
    """Not even when there is far too much."""
    working = ended(make_run, size=100_000)
    Run.objects.filter(pk=working.pk).update(state=RunState.RUNNING.value)
    for _ in range(4):
        ended(make_run)

    sweep(bytes_max=0)

    assert kept(storage) == {working.pk}


def test_what_is_not_a_run_is_left_alone(make_run: MakeRun, storage: Path) -> None:
    """The lock file and a directory that somebody put there."""
    run = ended(make_run)
    (storage / "runs" / "lock").touch()
    (storage / "runs" / "notes").mkdir()
    (storage / "runs" / str(run.pk + 1000)).mkdir()

    sweep(bytes_max=0)

    assert {path.name for path in (storage / "runs").iterdir()} == {"lock", "notes", str(run.pk + 1000)}
