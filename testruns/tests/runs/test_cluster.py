"""The queue with a real django-q cluster and the real runner: what happens when parts of it are killed.

Slow: each test starts processes and lets real scenarios run. Every fault of the stack's table that can hit us is here
or, without a cluster, in test_workers.py and test_reaping.py.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django_q.models import OrmQ

from console.kernel.acts import Actor
from console.tests.waiting import Stopwatch, until
from testruns.actions import attempt_again, cancel_run, queue_is_stuck, reap, request_run
from testruns.models import Attempt, Run, ScenarioExecution
from testruns.plan import RunPlan
from testruns.processes import is_running
from testruns.run_states import ExecutionState, RunState
from testruns.tests.runs.processes import Cluster, group_of

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = RunPlan(profile="own", scenarios=("credit_storm",), concurrency=(5,), duration_seconds=1)
LONG = dataclasses.replace(SHORT, scenarios=("load_reality",), duration_seconds=3600)
FINISHED, ABANDONED = ExecutionState.FINISHED.value, ExecutionState.ABANDONED.value


@pytest.fixture
def storage(settings: Any) -> Iterator[Path]:
    """The storage that the cluster uses too, with no directories of earlier runs."""
    yield settings.STORAGE
    shutil.rmtree(settings.STORAGE / "runs", ignore_errors=True)


@pytest.fixture
def cluster(tester: Actor, storage: Path) -> Iterator[Cluster]:
    """A running cluster; whatever happens, none of it is left, and no child of it either."""
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.kill()
    children = [one.pid for one in ScenarioExecution.objects.all() if one.pid is not None]
    until(lambda: not [pid for pid in children if is_running(pid)], seconds=3)


def is_in(execution: ScenarioExecution, *states: str) -> bool:
    execution.refresh_from_db()
    return execution.state in states


def is_stuck_or_finished(execution: ScenarioExecution) -> bool:
    return queue_is_stuck(patience_seconds=4) or is_in(execution, FINISHED)


def is_working(execution: ScenarioExecution) -> bool:
    """Whether its child runs and has reported something."""
    return is_in(execution, ExecutionState.RUNNING.value) and bool(execution.pid) and execution.progress_ppm > 0


def start_long_execution(tester: Actor) -> ScenarioExecution:
    execution = request_run(actor=tester, plan=LONG).executions.get()
    until(lambda: is_working(execution), seconds=20)
    return execution


def strand_an_execution(cluster: Cluster, tester: Actor) -> ScenarioExecution:
    """Kill workers until one was idle, with the lock of the inner queue, which nobody gets any more; what then waits.

    One that is killed in the instant between two looks at that queue, or before the first, is replaced, and the
    replacement executes. A message leaves the queue when its worker is idle again.
    """
    while True:
        until(lambda: not OrmQ.objects.exists(), seconds=10)
        os.kill(cluster.worker_pid, signal.SIGKILL)
        execution = request_run(actor=tester, plan=SHORT).executions.get()
        until(functools.partial(is_stuck_or_finished, execution), seconds=25)
        if not is_in(execution, FINISHED):
            return execution


def test_a_requested_run_is_executed_judged_and_leaves_an_empty_queue(cluster: Cluster, tester: Actor) -> None:
    """From the request to the recommendation, through nothing but the queue."""
    run = request_run(actor=tester, plan=SHORT)

    execution = run.executions.get()
    until(lambda: is_in(execution, FINISHED), seconds=25)
    until(lambda: not OrmQ.objects.exists(), seconds=5)
    run.refresh_from_db()

    assert (run.state, run.recommendation) == (RunState.JUDGED.value, "INCOMPLETE")
    assert run.rule_results.get(code="A01").sources[0]["value"] == "0"
    assert Attempt.objects.get().measurements.filter(name="operations").exists()


def test_cancel_stops_a_queued_run_that_works_within_a_second(cluster: Cluster, tester: Actor) -> None:
    """From the click to the row, across processes; nobody of the group is left."""
    execution = start_long_execution(tester)
    child = execution.pid or 0

    watch = Stopwatch()
    cancel_run(actor=tester, run_id=execution.run_id)
    until(lambda: is_in(execution, ExecutionState.CANCELLED.value), seconds=5)
    seconds = watch.seconds

    assert seconds < 1.0
    assert group_of(child) == []
    runs = Run.objects.filter(pk=execution.run_id, state=RunState.CANCELLED.value)
    until(runs.exists, seconds=5)  # the run follows its last execution in a transaction of its own


def test_killing_the_busy_worker_abandons_its_execution_and_the_queue_goes_on(cluster: Cluster, tester: Actor) -> None:
    """kill -9 while it works: no child left, ABANDONED within 15 s, never started twice, the next run is executed."""
    execution = start_long_execution(tester)
    child = execution.pid or 0

    os.kill(cluster.worker_pid, signal.SIGKILL)
    watch = Stopwatch()
    until(lambda: group_of(child) == [], seconds=2)
    until(lambda: reap() and is_in(execution, ABANDONED), seconds=15, every_seconds=2)
    seconds = watch.seconds
    following = request_run(actor=tester, plan=SHORT).executions.get()
    until(lambda: is_in(following, FINISHED), seconds=20)

    assert seconds < 15
    assert Attempt.objects.filter(execution=execution).count() == 1


def test_killing_the_whole_cluster_leaves_nothing_and_the_next_one_takes_over(cluster: Cluster, tester: Actor) -> None:
    """What worked is ABANDONED, what waited is executed by the next cluster, and the lost one again on request."""
    execution = start_long_execution(tester)
    waiting = request_run(actor=tester, plan=SHORT).executions.get()
    child = execution.pid or 0

    cluster.kill()
    until(lambda: group_of(child) == [], seconds=2)
    cluster.start()
    until(lambda: (reap(), is_in(execution, ABANDONED))[1], seconds=15, every_seconds=2)
    until(lambda: (reap(), is_in(waiting, FINISHED))[1], seconds=25, every_seconds=1)

    assert attempt_again(actor=tester, execution_id=execution.pk).state == ExecutionState.QUEUED.value
    until(lambda: is_working(execution), seconds=15)
    cancel_run(actor=tester, run_id=execution.run_id)
    assert [one.number for one in execution.attempts.order_by("number")] == [1, 2]


def test_a_dead_idle_worker_does_not_stop_the_queue_for_good(cluster: Cluster, tester: Actor) -> None:
    """django-q's cluster is dead for ever then; the watchdog sees it, and a new cluster executes what waits."""
    execution = strand_an_execution(cluster, tester)

    stuck_state = ScenarioExecution.objects.get(pk=execution.pk).state
    cluster.kill()
    cluster.start()
    until(lambda: (reap(), is_in(execution, FINISHED))[1], seconds=25, every_seconds=1)

    assert stuck_state == ExecutionState.QUEUED.value
    assert Attempt.objects.filter(execution=execution).count() == 1


def test_a_message_delivered_twice_executes_once(cluster: Cluster, tester: Actor) -> None:
    """The same message three times in the queue: one attempt, and the queue is empty afterwards."""
    execution = request_run(actor=tester, plan=SHORT).executions.get()
    message = OrmQ.objects.get() if OrmQ.objects.exists() else None
    assert message is not None, "the cluster took the message before it could be copied; it keeps the row until the end"
    for _ in range(2):
        OrmQ.objects.create(key=message.key, payload=message.payload, lock=execution.queued_at)

    until(lambda: is_in(execution, FINISHED), seconds=25)
    until(lambda: not OrmQ.objects.exists(), seconds=10)

    assert Attempt.objects.filter(execution=execution).count() == 1
