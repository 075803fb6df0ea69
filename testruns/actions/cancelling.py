"""Cancelling: what waits is cancelled at once, what works is asked to stop and does so within a second."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound
from ledger import gettext_noop
from testruns.models import Run, ScenarioExecution
from testruns.run_states import STATE_NAMES, ExecutionState, RunState

from .judging import settle_run
from .leases import ACTIVE_STATES, touch_run
from .refusals import ExecutionOver, RunOver


@action(Act.CANCEL_RUN, target="run:{run_id}")
def cancel_run(*, actor: Actor, run_id: int) -> Run:
    """Cancel everything of a run that has not ended. RunOver when all of it has, NotFound, NotAllowed.

    The run becomes CANCELLED or UNFINISHED when its working execution has stopped, which takes less than a second.
    """
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(what=f"run {run_id}")
    if run.state not in (RunState.QUEUED.value, RunState.RUNNING.value):
        raise RunOver(run=run_id, state=STATE_NAMES[run.state])
    cancelled = sum(_cancel(execution) for execution in run.executions.defer("samples"))
    if not cancelled:
        raise RunOver(run=run_id, state=STATE_NAMES[run.state])
    audit.record(
        actor=actor,
        act=Act.CANCEL_RUN.value,
        object=f"run:{run_id}",
        before={"state": run.state},
        after={"executions": cancelled},
    )
    touch_run(run_id=run_id)
    return settle_run(run_id=run_id)


@action(Act.CANCEL_RUN, target="execution:{execution_id}")
def cancel_execution(*, actor: Actor, execution_id: int) -> ScenarioExecution:
    """Cancel one execution of a run. ExecutionOver when it has ended, NotFound, NotAllowed."""
    execution = ScenarioExecution.objects.filter(pk=execution_id).first()
    if execution is None:
        raise NotFound(what=f"scenario execution {execution_id}")
    if not _cancel(execution):
        raise ExecutionOver(scenario=execution.scenario, run=execution.run_id, state=STATE_NAMES[execution.state])
    audit.record(
        actor=actor,
        act=Act.CANCEL_RUN.value,
        object=f"execution:{execution_id}",
        before={"state": execution.state},
        after={"run": execution.run_id},
    )
    touch_run(run_id=execution.run_id)
    settle_run(run_id=execution.run_id)
    execution.refresh_from_db()
    return execution


def cancel_interrupted_run(*, run_id: int) -> Run:
    """Cancel what a command has not come to, because somebody interrupted it at the terminal."""
    now = timezone.now()
    with transaction.atomic():
        count = ScenarioExecution.objects.filter(run_id=run_id, state=ExecutionState.QUEUED.value).update(
            state=ExecutionState.CANCELLED.value,
            error=gettext_noop("interrupted at the terminal"),
            error_params={},
            finished_at=now,
            changed_at=now,
        )
        if count:
            audit.record(actor=None, act="run.interrupt", object=f"run:{run_id}", after={"executions": count})
            touch_run(run_id=run_id)
        return settle_run(run_id=run_id)


def _cancel(execution: ScenarioExecution) -> bool:
    """Cancel by compare-and-set, waiting or working. False when it has ended or was asked to stop before."""
    now = timezone.now()
    rows = ScenarioExecution.objects.filter(pk=execution.pk)
    if rows.filter(state=ExecutionState.QUEUED.value).update(
        state=ExecutionState.CANCELLED.value,
        error=gettext_noop("cancelled by a person while it waited"),
        error_params={},
        cancel_requested_at=now,
        finished_at=now,
        changed_at=now,
    ):
        return True
    return bool(
        rows.filter(state__in=ACTIVE_STATES, cancel_requested_at__isnull=True).update(
            cancel_requested_at=now, changed_at=now
        )
    )
