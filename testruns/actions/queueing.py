"""The queue: it only carries "look at execution N". Lost and stuck messages are found by looking at the rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import caches
from django.db.models import Max, Min, QuerySet
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState

from .leases import ACTIVE_STATES, is_lost
from .limits import MESSAGE_SECONDS, STUCK_SECONDS
from .machine_lock import is_machine_busy

TASK = "testruns.tasks.execute_scenario"


def enqueue(*, execution: ScenarioExecution) -> None:
    """Put one message into the queue. Inside a transaction it is sent only if the transaction is kept."""
    ScenarioExecution.objects.filter(pk=execution.pk).update(messaged_at=timezone.now())
    async_task(TASK, execution.pk, task_name=f"execution-{execution.pk}", group=f"run-{execution.run_id}")


def repair_messages(*, patience_seconds: float = MESSAGE_SECONDS) -> int:
    """Give QUEUED executions that nobody comes for another message. Returns how many got one.

    Only while the machine is idle: a message that a busy worker has fetched in advance is not lost. A message that a
    dead worker took along is handed back (its lock would hold it for hours), a missing one is sent anew. A second
    message for the same execution does no harm: whoever comes second finds it no longer QUEUED.
    """
    now = timezone.now()
    if _is_somebody_working(now):
        return 0
    waiting = _queued().filter(messaged_at__lt=now - timedelta(seconds=patience_seconds))
    if not waiting.exists():
        return 0
    messages = _messages()
    repaired = 0
    for execution in waiting:
        known = messages.get(execution.pk, [])
        if any(message.lock is not None and message.lock <= now for message in known):
            continue
        if known:
            OrmQ.objects.filter(pk=known[0].pk).update(lock=now)
            ScenarioExecution.objects.filter(pk=execution.pk).update(messaged_at=now)
        else:
            enqueue(execution=execution)
        repaired += 1
    return repaired


def queue_is_stuck(*, cluster_started_at: datetime | None = None, patience_seconds: float = STUCK_SECONDS) -> bool:
    """Whether work waits on an idle machine for longer than it can take a sound cluster to come for it.

    The supervisor then kills the whole cluster and starts another: a dead idle worker keeps the lock of django-q's
    inner queue for ever, and no signal helps (stack: the fault table). `cluster_started_at`: a cluster is not blamed
    for the time before it was started.
    """
    now = timezone.now()
    if _is_somebody_working(now) or is_machine_busy():
        return False
    waiting_since = _queued().aggregate(since=Min("queued_at"))["since"]
    if waiting_since is None:
        return False
    last_end = ScenarioExecution.objects.aggregate(at=Max("finished_at"))["at"]
    idle_since = max(moment for moment in (waiting_since, last_end, cluster_started_at) if moment is not None)
    return now - idle_since > timedelta(seconds=patience_seconds)


def is_worker_alive() -> bool:
    """Whether a cluster of the queue gave a sign of life within the last three seconds: its pulse expires after them.

    Read past the broker, which writes whenever it reads.
    """
    pulses = caches[Conf.CACHE]
    return any(pulses.get(cluster) is not None for cluster in pulses.get(Conf.Q_STAT) or ())


def _queued() -> QuerySet[ScenarioExecution]:
    """Executions the queue has to come for; those of a command are driven by its own process."""
    return ScenarioExecution.objects.filter(state=ExecutionState.QUEUED.value, run__driver="")


def _is_somebody_working(now: datetime) -> bool:
    active = ScenarioExecution.objects.filter(state__in=ACTIVE_STATES)
    return any(not is_lost(execution, now=now) for execution in active.defer("samples"))


def _messages() -> dict[int, list[OrmQ]]:
    """The messages in the queue by execution, the oldest first."""
    found: dict[int, list[OrmQ]] = {}
    for message in OrmQ.objects.order_by("pk"):
        if message.task.get("func") == TASK:
            found.setdefault(message.task["args"][0], []).append(message)
    return found
