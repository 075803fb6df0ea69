"""A run as rows with given measurements, judged by the product's own action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from console.kernel.models import Person
from testruns.actions import active_policy, judge_run
from testruns.gates.measured import MeasuredExecution
from testruns.models import Attempt, Build, Measurement, Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState


def judged_run(executions: Sequence[MeasuredExecution], *, requested_by: Person, **changes: Any) -> Run:
    """The run with its results, frozen when every execution finished."""
    run = waiting_run(executions, requested_by=requested_by, **changes)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value)
    return judge_run(run.pk)


def waiting_run(executions: Sequence[MeasuredExecution], *, requested_by: Person, **changes: Any) -> Run:
    """The run with its executions at their end, and nobody has judged it yet."""
    build, _ = Build.objects.get_or_create(name="gatehouse", commit="c" * 40, tree_digest="d" * 64, is_clean=True)
    values: dict[str, Any] = {
        "build": build,
        "policy": active_policy(),
        "requested_by": requested_by,
        "via": "console",
        "profile": "full",
        "scenarios": list(dict.fromkeys(measured.scenario for measured in executions)),
        "concurrency": [50],
        "duration_seconds": 1800,
        "seed": 42,
        "retry_injection": True,
        "karma_available": False,
        "anomaly_injection": True,
        "planned_seconds": 2100,
    }
    run = Run.objects.create(**{**values, **changes})
    for position, measured in enumerate(executions, start=1):
        _ended(run, position, measured)
    return run


def _ended(run: Run, position: int, measured: MeasuredExecution) -> None:
    is_finished = measured.state is ExecutionState.FINISHED
    row = ScenarioExecution.objects.create(
        run=run,
        position=position,
        scenario=measured.scenario,
        concurrency=measured.concurrency,
        planned_seconds=30,
        disk_bytes=2**20,
        state=measured.state.value,
        attempt_count=1,
        journal_head={"seq": 1200 + position, "hash": "ab" * 32} if is_finished else None,
    )
    attempt = Attempt.objects.create(execution=row, number=1, started_at=timezone.now())
    Measurement.objects.bulk_create(
        Measurement(attempt=attempt, name=one.name, value=str(one.value), unit=one.unit)
        for one in measured.measurements.values()
    )
    attempt.state, attempt.finished_at = measured.state.value, timezone.now()
    attempt.save()
