"""Attempting again: a scenario that ended without finishing gets a new attempt, alone and visibly."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound
from testruns.models import Run, ScenarioExecution
from testruns.run_states import STATE_NAMES, ExecutionState, RunState, require_transition, run_state_of

from .judging import withdraw_results
from .limits import ATTEMPT_AGAIN_HOURS
from .queueing import enqueue
from .refusals import NothingToAttemptAgain, NotToBeAttemptedAgain, RunFrozen, StillDriven, TooLateToAttemptAgain
from .requesting import Disk, read_disk, require_disk


def attempt_again(*, actor: Actor, execution_id: int) -> ScenarioExecution:
    """Queue a new attempt of one execution that is ERRORED, CANCELLED or ABANDONED. Earlier attempts stay.

    The provisional results of the run are withdrawn until it is judged again. NotToBeAttemptedAgain, RunFrozen,
    TooLateToAttemptAgain (24 hours), StillDriven, DiskTooFull, NotFound, NotAllowed.
    """
    execution: ScenarioExecution = _attempt_again(actor=actor, execution_id=execution_id, disk=read_disk())
    return execution


def attempt_run_again(*, actor: Actor, run_id: int) -> Run:
    """Queue a new attempt of every execution of a run that ended without finishing; all of them or none.

    NothingToAttemptAgain, and as `attempt_again`.
    """
    run: Run = _attempt_run_again(actor=actor, run_id=run_id, disk=read_disk())
    return run


@action(Act.ATTEMPT_AGAIN, target="run:{run_id}")
def _attempt_run_again(*, actor: Actor, run_id: int, disk: Disk) -> Run:
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(what=f"run {run_id}")
    states = run.executions.order_by("position").values_list("pk", "state")
    ended_badly = [number for number, state in states if ExecutionState(state).may_be_attempted_again]
    if not ended_badly:
        raise NothingToAttemptAgain(run=run_id, state=STATE_NAMES[run.state])
    for number in ended_badly:
        _queue_attempt(actor=actor, execution_id=number, disk=disk)
    run.refresh_from_db()
    return run


@action(Act.ATTEMPT_AGAIN, target="execution:{execution_id}")
def _attempt_again(*, actor: Actor, execution_id: int, disk: Disk) -> ScenarioExecution:
    return _queue_attempt(actor=actor, execution_id=execution_id, disk=disk)


def _queue_attempt(*, actor: Actor, execution_id: int, disk: Disk) -> ScenarioExecution:
    execution = ScenarioExecution.objects.select_related("run").filter(pk=execution_id).first()
    if execution is None:
        raise NotFound(what=f"scenario execution {execution_id}")
    _require_open(execution)
    require_disk(needed=execution.disk_bytes, disk=disk)
    before = {"state": execution.state, "attempts": execution.attempt_count, "run": execution.run.recommendation}
    require_transition(before=ExecutionState(execution.state), after=ExecutionState.QUEUED)
    _queue_again(execution)
    withdraw_results(run_id=execution.run_id)
    states = [ExecutionState(state) for state in execution.run.executions.values_list("state", flat=True)]
    Run.objects.filter(pk=execution.run_id).update(state=run_state_of(states).value, driver="", finished_at=None)
    audit.record(actor=actor, act=Act.ATTEMPT_AGAIN.value, object=f"execution:{execution_id}", before=before)
    enqueue(execution=execution)
    execution.refresh_from_db()
    return execution


def _require_open(execution: ScenarioExecution) -> None:
    run = execution.run
    if not ExecutionState(execution.state).may_be_attempted_again:
        raise NotToBeAttemptedAgain(scenario=execution.scenario, run=run.pk, state=STATE_NAMES[execution.state])
    if run.is_frozen:
        raise RunFrozen(run=run.pk)
    if run.driver and run.state != RunState.UNFINISHED.value:
        raise StillDriven(run=run.pk)
    if run.finished_at and timezone.now() - run.finished_at > timedelta(hours=ATTEMPT_AGAIN_HOURS):
        raise TooLateToAttemptAgain(run=run.pk, hours=ATTEMPT_AGAIN_HOURS)


def _queue_again(execution: ScenarioExecution) -> None:
    now = timezone.now()
    execution.state = ExecutionState.QUEUED.value
    execution.verdict = execution.error = execution.progress_text = execution.lease_owner = ""
    execution.progress_ppm = 0
    execution.error_params, execution.samples, execution.opened, execution.journal_head = {}, [], {}, None
    execution.heartbeat_at = execution.deadline_at = execution.cancel_requested_at = None
    execution.pid = execution.pid_started_ticks = execution.started_at = execution.finished_at = None
    execution.queued_at = execution.changed_at = now
    execution.save()
