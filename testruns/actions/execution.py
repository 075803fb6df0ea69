"""Executing one scenario: lease, machine lock, child, evidence, verdict. Worker and `run_live_tests` share it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from console.kernel import audit
from testruns.environment import FLOOR_SLICE_SECONDS, FLOOR_SLICE_SECONDS_SHORT, read_environment
from testruns.models import Attempt, Run, ScenarioExecution
from testruns.run_states import ExecutionState

from .child import LEDGER_NAME, RUNNER_MODULE, Child
from .closing import close_execution
from .judging import settle_run
from .leases import Lease, claim, started_ticks
from .limits import (
    CLOSE_TRIES,
    DEADLINE_EXTRA_SECONDS,
    DEADLINE_FACTOR,
    DEADLINE_SECONDS_MAX,
    HEARTBEAT_SECONDS,
    MACHINE_WAIT_SECONDS,
    POLL_SECONDS,
    SHORT_RUN_SECONDS,
)
from .machine_lock import MachineLock
from .policies import rules_of
from .queueing import enqueue
from .reaping import abandon_if_lost
from .scratch import attempt_directory, sweep
from .watching import Ending, LeaseLost, Surroundings, Watch, lifeline_of_environment

logger = logging.getLogger(__name__)


def execute(*, execution_id: int, surroundings: Surroundings | None = None) -> ExecutionState | None:
    """Execute one QUEUED scenario execution to its end and settle its run. Returns the state it ended in.

    None: it was not QUEUED (delivered twice, cancelled meanwhile), went back to the queue, or its lease was lost.
    Must be called from the main thread.
    """
    return _execute(execution_id=execution_id, surroundings=surroundings, module=RUNNER_MODULE)


def _execute(
    *,
    execution_id: int,
    surroundings: Surroundings | None,
    module: str,
    machine_wait_seconds: float = MACHINE_WAIT_SECONDS,
) -> ExecutionState | None:
    lease = claim(execution_id=execution_id)
    if lease is None:
        abandon_if_lost(execution_id=execution_id)
        return None
    around = surroundings or Surroundings(lifeline=lifeline_of_environment())
    with MachineLock() as lock:
        waiting = _Waiting(lease=lease, surroundings=around, seconds_max=machine_wait_seconds)
        ending = waiting.until(lock.try_take)
        if ending is None and not waiting.is_taken:
            return None
        if ending is not None:
            return _close_unstarted(lease, ending)
        return _attempt(lease, around, module=module)


@dataclass(kw_only=True)
class _Waiting:
    """Waits for the machine with a heartbeat. After a long wait the execution goes back to the queue."""

    lease: Lease
    surroundings: Surroundings
    seconds_max: float
    is_taken: bool = False
    _began: float = field(default_factory=time.monotonic)

    def until(self, try_take: Callable[[], bool]) -> Ending | None:
        """An ending when somebody stopped the wait; otherwise None, and `is_taken` says whether the machine is ours."""
        next_beat = 0.0
        while True:
            ending = self.surroundings.reason_to_stop(self.lease)
            if ending:
                return ending
            self.is_taken = try_take()
            if self.is_taken:
                return None
            now = time.monotonic()
            if now > self._began + self.seconds_max:
                _give_back(self.lease)
                return None
            if now >= next_beat:
                next_beat = now + HEARTBEAT_SECONDS
                if not self.lease.renew():
                    return None
            time.sleep(POLL_SECONDS)


def _give_back(lease: Lease) -> None:
    """LEASED becomes QUEUED again, at the end of the queue."""
    with transaction.atomic():
        mine = ScenarioExecution.objects.filter(
            pk=lease.execution_id, lease_owner=lease.owner, state=ExecutionState.LEASED.value
        )
        if mine.update(state=ExecutionState.QUEUED.value, lease_owner="", heartbeat_at=None, changed_at=timezone.now()):
            execution = ScenarioExecution.objects.select_related("run").get(pk=lease.execution_id)
            if not execution.run.driver:
                enqueue(execution=execution)
            settle_run(run_id=lease.run_id)


def _close_unstarted(lease: Lease, ending: Ending) -> ExecutionState | None:
    execution = ScenarioExecution.objects.get(pk=lease.execution_id)
    is_closed = close_execution(execution=execution, owner=lease.owner, ending=ending)
    settle_run(run_id=lease.run_id)
    return ending.state if is_closed else None


def _attempt(lease: Lease, around: Surroundings, *, module: str) -> ExecutionState | None:
    _note_environment(lease)
    execution = _begin(lease)
    if execution is None:
        return None
    try:
        state = _run_child(execution, lease, around, module=module)
    except LeaseLost:
        logger.warning("execution %s was taken away while it ran; its child is stopped", lease.execution_id)
        return None
    settle_run(run_id=lease.run_id)
    sweep()
    return state


def _note_environment(lease: Lease) -> None:
    """The first execution of a run measures the machine; the lease is fresh, the measuring takes a second or two."""
    known, seconds = Run.objects.values_list("environment", "duration_seconds").get(pk=lease.run_id)
    if "machine" in known:
        return
    slice_seconds = FLOOR_SLICE_SECONDS if seconds >= SHORT_RUN_SECONDS else FLOOR_SLICE_SECONDS_SHORT
    environment = known | read_environment(directory=settings.STORAGE, slice_seconds=slice_seconds)
    Run.objects.filter(pk=lease.run_id, frozen_at__isnull=True).update(environment=environment)


def _begin(lease: Lease) -> ScenarioExecution | None:
    """LEASED becomes RUNNING with a new attempt. None: the lease is lost."""
    now = timezone.now()
    with transaction.atomic():
        execution = ScenarioExecution.objects.select_related("run__policy").get(pk=lease.execution_id)
        number = execution.attempt_count + 1
        if not lease.renew(
            is_visible=True,
            state=ExecutionState.RUNNING.value,
            attempt_count=number,
            started_at=now,
            deadline_at=now + timedelta(seconds=_deadline_seconds(execution)),
        ):
            return None
        Attempt.objects.create(execution=execution, number=number, started_at=now)
        Run.objects.filter(pk=lease.run_id, started_at__isnull=True).update(started_at=now)
        audit.record(
            actor=None,
            act="execution.start",
            object=f"execution:{execution.pk}",
            before={"state": ExecutionState.LEASED.value},
            after={"state": ExecutionState.RUNNING.value, "attempt": number},
        )
        settle_run(run_id=lease.run_id)
    execution.refresh_from_db()
    return execution


def _run_child(
    execution: ScenarioExecution, lease: Lease, around: Surroundings, *, module: str
) -> ExecutionState | None:
    directory = attempt_directory(execution=execution, number=execution.attempt_count)
    plan = _plan(execution) | {"directory": str(directory / LEDGER_NAME)}
    with Child(directory=directory, plan=plan, module=module) as child:
        if not lease.renew(pid=child.pid, pid_started_ticks=started_ticks(child.pid)):
            raise LeaseLost
        watch = Watch(
            child=child,
            lease=lease,
            surroundings=around,
            deadline=time.monotonic() + _deadline_seconds(execution),
        )
        ending = watch.to_the_end()
    return _close(execution, lease, watch, ending)


def _close(execution: ScenarioExecution, lease: Lease, watch: Watch, ending: Ending) -> ExecutionState | None:
    """Write the end. A database that is locked for long is asked again: the results of an hour hang on it."""
    for left in reversed(range(CLOSE_TRIES)):
        try:
            is_closed = close_execution(
                execution=execution,
                owner=lease.owner,
                ending=ending,
                conversation=watch.child.conversation,
                points=watch.points.points,
            )
        except OperationalError:
            if not left:
                raise
            logger.exception("the end of execution %s could not be written; trying again", lease.execution_id)
        else:
            return ending.state if is_closed else None
    raise AssertionError("the last try returns or raises")


def _plan(execution: ScenarioExecution) -> dict[str, Any]:
    run = execution.run
    values = rules_of(run.policy).values
    return {
        "run": run.pk,
        "execution": execution.pk,
        "attempt": execution.attempt_count,
        "scenario": execution.scenario,
        "concurrency": execution.concurrency,
        "seed": run.seed,
        "duration_seconds": run.duration_seconds,
        "warmup_seconds": values.warmup_seconds,
        "retry_injection": run.retry_injection,
        "karma_available": run.karma_available,
        "anomaly_injection": run.anomaly_injection,
        "offered_rate": values.offered_rate,
    }


def _deadline_seconds(execution: ScenarioExecution) -> int:
    return min(int(execution.planned_seconds * DEADLINE_FACTOR) + DEADLINE_EXTRA_SECONDS, DEADLINE_SECONDS_MAX)
