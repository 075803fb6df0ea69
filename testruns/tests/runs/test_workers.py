"""Workers as real processes: killed while they work, and two of them for one execution."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.tests.waiting import PATIENT_SECONDS, Stopwatch, until
from testruns.actions import reap
from testruns.evidence import read
from testruns.models import Attempt, ScenarioExecution
from testruns.processes import is_running
from testruns.run_states import ExecutionState
from testruns.tests.runs.conftest import MakeRun
from testruns.tests.runs.processes import start_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage(settings: Any) -> Iterator[Path]:
    """The storage that the processes of the test use too, with no directories of earlier runs."""
    yield settings.STORAGE
    shutil.rmtree(settings.STORAGE / "runs", ignore_errors=True)


def half_way(execution: ScenarioExecution) -> bool:
    execution.refresh_from_db()
    return execution.progress_ppm == 500_000


def test_a_killed_worker_leaves_nothing_running_and_is_abandoned_within_15_seconds(make_run: MakeRun) -> None:
    """kill -9: child and grandchild die with it; the reaper, called every 5 s, says ABANDONED; evidence is kept."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    worker = start_worker(execution_id=execution.pk, child="patient")
    until(lambda: half_way(execution), seconds=15)
    child, grandchild = execution.pid, int(execution.progress_text.removeprefix("grandchild "))

    worker.kill()
    worker.communicate()
    watch = Stopwatch()
    until(lambda: not is_running(child or 0) and not is_running(grandchild), seconds=2)
    until(reap, seconds=15, every_seconds=5)
    seconds = watch.seconds
    execution.refresh_from_db()

    attempt = Attempt.objects.get()
    assert execution.state == attempt.state == ExecutionState.ABANDONED.value
    assert seconds < 15
    assert b"hello" in read(attempt.output_id or "")


def test_two_workers_for_one_execution_start_it_once(make_run: MakeRun) -> None:
    """Delivered twice at the same moment: one attempt, one child, one of the two returns at once."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()

    workers = [start_worker(execution_id=execution.pk, child="sound") for _ in range(2)]
    answers = sorted(worker.communicate(timeout=PATIENT_SECONDS)[0].strip() for worker in workers)

    assert answers == ["FINISHED", "None"]
    assert Attempt.objects.count() == 1


def test_a_terminated_worker_takes_its_child_along(make_run: MakeRun) -> None:
    """SIGTERM to a worker is no way to leave an orphan that loads the machine."""
    execution = make_run(scenarios=("credit_storm",)).executions.get()
    worker = start_worker(execution_id=execution.pk, child="patient")
    until(lambda: half_way(execution), seconds=15)

    os.kill(worker.pid, signal.SIGTERM)
    worker.communicate(timeout=PATIENT_SECONDS)

    assert execution.pid
    assert until(lambda: not is_running(execution.pid or 0), seconds=2)
