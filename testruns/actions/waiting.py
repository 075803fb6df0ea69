"""Where a waiting execution stands, and why it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from ledger import gettext_noop
from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState

from .leases import ACTIVE_STATES
from .machine_lock import is_machine_busy
from .queueing import queue_is_stuck

BEHIND_SCENARIO = gettext_noop("The machine executes one scenario at a time: now %(scenario)s of run %(run)s.")
BEHIND_QUEUE = gettext_noop("Other scenarios come first; the next is %(scenario)s of run %(run)s.")
NEXT = gettext_noop("It is next and starts within a second.")
MACHINE_TAKEN = gettext_noop("Something else has locked the machine; it starts as soon as the lock is free.")
WORKER_SILENT = gettext_noop("The worker does not answer and is being started again.")
OF_A_COMMAND = gettext_noop("The command that requested this run comes to it in turn.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """`position` 1 is next. `reason` is a template for gettext, `params` its values."""

    position: int
    reason: str
    params: dict[str, Any]


def waiting_position(*, execution: ScenarioExecution) -> Waiting | None:
    """Where the execution stands in the queue and why it waits; None when it does not wait."""
    if execution.state == ExecutionState.LEASED.value:
        return Waiting(position=1, reason=MACHINE_TAKEN, params={})
    if execution.state != ExecutionState.QUEUED.value:
        return None
    ahead = _ahead_of(execution)
    reason, params = _reason(execution, ahead)
    return Waiting(position=len(ahead) + 1, reason=reason, params=params)


def _reason(execution: ScenarioExecution, ahead: list[ScenarioExecution]) -> tuple[str, dict[str, Any]]:
    working = ScenarioExecution.objects.filter(state__in=ACTIVE_STATES).order_by("started_at").first()
    if working is not None:
        return BEHIND_SCENARIO, {"scenario": working.scenario, "run": working.run_id}
    if execution.run.driver:
        return OF_A_COMMAND, {}
    if queue_is_stuck():
        return WORKER_SILENT, {}
    if ahead:
        return BEHIND_QUEUE, {"scenario": ahead[0].scenario, "run": ahead[0].run_id}
    return (MACHINE_TAKEN, {}) if is_machine_busy() else (NEXT, {})


def _ahead_of(execution: ScenarioExecution) -> list[ScenarioExecution]:
    """The queue is served in the order of requests, within a run in the order of the suite."""
    earlier = Q(queued_at__lt=execution.queued_at) | Q(queued_at=execution.queued_at, pk__lt=execution.pk)
    queued = ScenarioExecution.objects.filter(earlier, state=ExecutionState.QUEUED.value)
    return list(queued.defer("samples").order_by("queued_at", "pk"))
