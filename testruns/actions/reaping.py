"""The reaper: whatever lost its worker, its message or its last step is found by looking at the rows.

`manage.py up` calls it every 5 s; nothing in it depends on the queue being alive.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from console.kernel import audit
from ledger import gettext_noop
from testruns.models import Run, ScenarioExecution
from testruns.run_states import TERMINAL_STATES, ExecutionState, RunState

from .closing import close_execution
from .judging import freeze_overdue_runs, settle_run
from .leases import ACTIVE_STATES, is_lost, is_of_this_boot, is_owner_alive, started_ticks, touch_run
from .limits import HUNG_SECONDS, STALE_SECONDS
from .queueing import repair_messages
from .watching import Ending

logger = logging.getLogger(__name__)

WORKER_GONE = gettext_noop("its worker was last heard of at %(at)s and is gone")
OPEN_STATES = (RunState.QUEUED.value, RunState.RUNNING.value)


def reap(*, stale_seconds: float = STALE_SECONDS) -> int:
    """One pass: abandon what lost its worker, settle what was left half done, send lost messages, freeze what is due.

    Returns how many rows it changed. A step that fails is logged and does not keep the others from their turn.
    """
    steps: tuple[Callable[[], int], ...] = (
        lambda: _abandon_lost(stale_seconds=stale_seconds),
        _abandon_driverless,
        _settle_ended,
        repair_messages,
        freeze_overdue_runs,
    )
    return sum(_safely(step) for step in steps)


def abandon_if_lost(*, execution_id: int, stale_seconds: float = STALE_SECONDS) -> bool:
    """Mark one execution ABANDONED when its worker is gone. False: it is not active, or somebody works on it."""
    execution = ScenarioExecution.objects.filter(pk=execution_id, state__in=ACTIVE_STATES).first()
    if execution is None or not is_lost(execution, now=timezone.now(), stale_seconds=stale_seconds):
        return False
    _kill_leftover(execution)
    ending = Ending(state=ExecutionState.ABANDONED, error=WORKER_GONE, params=_last_heard(execution.heartbeat_at))
    is_closed = close_execution(execution=execution, owner=execution.lease_owner, ending=ending)
    settle_run(run_id=execution.run_id)
    return is_closed


def _safely(step: Callable[[], int]) -> int:
    try:
        return step()
    except Exception:
        logger.exception("a step of the reaper failed; the next pass tries again")
        return 0


def _abandon_lost(*, stale_seconds: float) -> int:
    active = ScenarioExecution.objects.filter(state__in=ACTIVE_STATES).values_list("pk", flat=True)
    return sum(abandon_if_lost(execution_id=pk, stale_seconds=stale_seconds) for pk in list(active))


def _kill_leftover(execution: ScenarioExecution) -> None:
    """End a child whose worker hangs. A worker that died took its child along."""
    pid, ticks = execution.pid, execution.pid_started_ticks
    if pid is None or ticks is None or not is_of_this_boot(execution.lease_owner) or started_ticks(pid) != ticks:
        return
    with contextlib.suppress(ProcessLookupError):  # it ended between the look and the signal
        os.killpg(pid, signal.SIGKILL)


def _abandon_driverless() -> int:
    """Executions that wait for a command which died before it came to them."""
    runs = Run.objects.filter(state__in=OPEN_STATES).exclude(driver="")
    return sum(_abandon_queued(run) for run in runs if _is_driver_gone(run))


def _is_driver_gone(run: Run) -> bool:
    if is_owner_alive(run.driver):
        return False
    if is_of_this_boot(run.driver):
        return True
    last = run.executions.aggregate(at=Max("heartbeat_at"))["at"] or run.requested_at
    return bool(timezone.now() - last > timedelta(seconds=HUNG_SECONDS))


def _abandon_queued(run: Run) -> int:
    now = timezone.now()
    with transaction.atomic():
        count = run.executions.filter(state=ExecutionState.QUEUED.value).update(
            state=ExecutionState.ABANDONED.value,
            error=gettext_noop("the command that executed this run is gone"),
            error_params={},
            finished_at=now,
            changed_at=now,
        )
        if not count:
            return 0
        audit.record(actor=None, act="run.abandon", object=f"run:{run.pk}", after={"executions": count})
        touch_run(run_id=run.pk)
        settle_run(run_id=run.pk)
    return count


def _settle_ended() -> int:
    """Runs whose last execution ended while their worker died before it could judge."""
    unended = ScenarioExecution.objects.exclude(state__in=[state.value for state in TERMINAL_STATES])
    ended = Run.objects.filter(state__in=OPEN_STATES).exclude(pk__in=unended.values("run_id"))
    ids = list(ended.values_list("pk", flat=True))
    for run_id in ids:
        settle_run(run_id=run_id)
    return len(ids)


def _last_heard(at: datetime | None) -> dict[str, object]:
    if at is None:
        return {"at": {"template": gettext_noop("no known time"), "params": {}}}
    return {"at": {"moment": at.isoformat(timespec="seconds")}}
