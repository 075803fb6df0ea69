"""Runs as rows in every state a screen shows, judged by the real judge from measurements that were written here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.kernel.models import Person
from testruns.actions import active_policy, judge_run
from testruns.evidence import store
from testruns.gates.registry import all_rules
from testruns.gates.rule import Operator, Rule
from testruns.models import Attempt, Build, Measurement, Run, RunEvidence, ScenarioExecution
from testruns.run_states import ExecutionState, RunState
from testruns.scenarios import SCENARIOS

COMMIT = "4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918"
ENVIRONMENT: Mapping[str, Any] = {
    "machine": {"system": "Linux-6.1-x86_64", "processor": "AMD EPYC", "cores": 2, "memory_bytes": 24_000_000_000},
    "python": {"version": "3.11.7", "implementation": "CPython", "orjson": "3.13.0"},
    "disk": {
        "file_system": "ext4",
        "options": "rw",
        "free_bytes": 210_000_000_000,
        "floor": {
            "fsyncs_per_second": 2312,
            "fsyncs_per_second_low": 233,
            "fsyncs_per_second_high": 2990,
            "p50_us": 390,
            "p95_us": 870,
            "p99_us": 1120,
            "slices": 3,
            "slice_ms": 500,
            "record_bytes": 448,
        },
    },
}
WARMUP_SECONDS = 300  # of the shipped policy: a shorter soak measures no memory trend
ORDINARY = {
    "operations": ("1200", "count"),
    "operations_per_second": ("1843.27", "operations/s"),
    "p50_us": ("8120", "us"),
    "p95_us": ("21410", "us"),
    "p99_us": ("140122", "us"),
    "p999_us": ("210340", "us"),
    "max_us": ("420910", "us"),
    "steal_ppm": ("4100", "ppm"),
    "foreign_load_ppm": ("21000", "ppm"),
}
Readings = dict[str, tuple[str, str]]


def sample_points(count: int, *, every_ms: int = 3000) -> list[dict[str, int]]:
    """What the row of a 30-minute soak holds for the charts: totals, and latencies and memory that waver a little."""
    return [
        {"elapsed_ms": every_ms * n, "operations": every_ms * n // 10, "offered": every_ms * n // 10}
        | {"p50_us": 800 + 90 * (n % 7), "p95_us": 2100 + 400 * (n % 5), "p99_us": 4000 + 900 * (n % 11)}
        | {"p999_us": 9000 + 2500 * (n % 13), "max_us": 40_000 + 5000 * (n % 17)}
        | {"rss_anon_bytes": 40_000_000 + 900 * n + 70_000 * (n % 9), "open_files": 14 + n % 3, "sockets": 2}
        | {"refused": every_ms * n // 900, "errors": 0, "steal_ppm": 900, "foreign_load_ppm": 10_000}
        for n in range(1, count + 1)
    ]


def readings_of(scenario: str, *, soak_seconds: int) -> Readings:
    """Measurements of this scenario with which every rule that reads them passes, but for the length of the soak."""
    found: Readings = dict(ORDINARY)
    for rule in all_rules().values():
        for source in rule.sources:
            if source.scenario == scenario:
                found[source.measurement] = _passing(rule, source.measurement)
    if scenario == "crash_replay":
        found |= {f"recovery_ms_{kill}": (str(30 + 11 * kill), "ms") for kill in range(1, 6)}
    if scenario == "load_reality":
        found["duration_seconds"] = (str(soak_seconds), "s")
    if scenario == "load_reality" and soak_seconds <= WARMUP_SECONDS:
        del found["memory_slope"]
    elif scenario == "load_reality":
        found |= dict.fromkeys(("memory_slope", "memory_slope_low", "memory_slope_high"), ("0.02", "MB/min"))
    return found


def _passing(rule: Rule, measurement: str) -> tuple[str, str]:
    value = rule.threshold
    if rule.operator is Operator.LESS:
        value /= 4
    elif rule.operator is Operator.MORE:
        value *= 9
    suffix = measurement.rsplit("_", 1)[-1]
    if suffix == "us":
        return str(int(value * 1000)), "us"
    if suffix == "ppm" or "_ppm_" in measurement:
        factor, unit = (10_000, "ppm") if rule.unit == "%" else (1_000_000, "millionths")
        return str(int(value * factor)), unit
    return str(value), rule.unit


def make_run(*, person: Person, soak_seconds: int = 30, profile: str = "quick", **changes: Any) -> Run:
    """A queued run of the whole suite with its executions, without a message in the queue."""
    build, _ = Build.objects.get_or_create(name="gatehouse", commit=COMMIT, tree_digest="d4" * 32, is_clean=True)
    values: dict[str, Any] = {
        "build": build,
        "policy": active_policy(),
        "requested_by": person,
        "via": "console",
        "profile": profile,
        "scenarios": list(SCENARIOS),
        "concurrency": [50],
        "duration_seconds": soak_seconds,
        "seed": 42,
        "retry_injection": True,
        "karma_available": False,
        "anomaly_injection": True,
        "planned_seconds": 95,
    }
    run = Run.objects.create(**{**values, **changes})
    for position, code in enumerate(run.scenarios, start=1):
        seconds = SCENARIOS[code].planned_seconds(soak_seconds)
        ScenarioExecution.objects.create(
            run=run, position=position, scenario=code, concurrency=50, planned_seconds=seconds, disk_bytes=2**25
        )
    return run


def make_judged_run(
    *,
    person: Person,
    faults: Mapping[str, Mapping[str, str]] | None = None,
    crashed: tuple[str, ...] = (),
    points: int = 600,
    **changes: Any,
) -> Run:
    """A run at its end, with so many points for the charts of its soak.

    `faults`: values by scenario and measurement; `crashed`: scenarios that ended in ERRORED.
    """
    run = make_run(person=person, environment=dict(ENVIRONMENT), **changes)
    started = timezone.now() - timedelta(seconds=96)
    ended = {}
    for execution in run.executions.all():
        readings = readings_of(execution.scenario, soak_seconds=run.duration_seconds)
        readings |= {
            name: (value, readings[name][1]) for name, value in (faults or {}).get(execution.scenario, {}).items()
        }
        ended[execution] = readings
    _end(ended, crashed=crashed, points=points)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value, started_at=started)
    judge_run(run.pk)
    run.refresh_from_db()
    return run


def _end(ended: Mapping[ScenarioExecution, Readings], *, crashed: tuple[str, ...] = (), points: int = 600) -> None:
    """These executions with what each measured, all at once: thousands of runs are made for tests."""
    now = timezone.now()
    began = now - timedelta(seconds=9)
    attempts = {one.execution_id: one for one in Attempt.objects.filter(execution__in=ended, number=1)}
    made = [Attempt(execution=one, number=1, started_at=began) for one in ended if one.pk not in attempts]
    attempts |= {one.execution_id: one for one in Attempt.objects.bulk_create(made)}
    Measurement.objects.bulk_create(
        Measurement(attempt=attempts[execution.pk], name=name, value=value, unit=unit)
        for execution, readings in ended.items()
        if execution.scenario not in crashed
        for name, (value, unit) in readings.items()
    )
    outputs = []
    for execution in ended:
        is_crashed = execution.scenario in crashed
        state = ExecutionState.ERRORED if is_crashed else ExecutionState.FINISHED
        error = "the child ended with exit code 1 before it was done" if is_crashed else ""
        execution.samples = sample_points(points) if execution.scenario == "load_reality" else []
        execution.opened = {"files": ["events/000001.log", "events/lock"], "sockets": []}
        execution.journal_head = {"seq": 1204, "hash": "b7" * 32}
        execution.state, execution.error = state.value, error
        execution.progress_ppm, execution.attempt_count = 1_000_000, 1
        execution.started_at, execution.finished_at = began, now
        execution.save()
        attempt = attempts[execution.pk]
        output = store(content=f"{execution.scenario} said\n".encode(), media_type="application/jsonl")
        outputs.append(
            RunEvidence(run=execution.run, execution=execution, attempt=attempt, role="output", evidence=output)
        )
        Attempt.objects.filter(pk=attempt.pk).update(
            state=state.value, finished_at=now, exit_code=int(is_crashed), error=error, output=output
        )
    RunEvidence.objects.bulk_create(outputs)


def make_running_run(*, person: Person, **changes: Any) -> Run:
    """A run in the middle: the first scenario done, the second at 40 %, the rest waiting."""
    run = make_run(person=person, environment=dict(ENVIRONMENT), **changes)
    now = timezone.now()
    first, second = run.executions.all()[:2] if run.executions.count() > 1 else (run.executions.first(), None)
    assert first is not None
    _end({first: readings_of(first.scenario, soak_seconds=30)})
    active = second or first
    ScenarioExecution.objects.filter(pk=active.pk).update(
        state=ExecutionState.RUNNING.value,
        lease_owner="boot:1:1:token",
        heartbeat_at=now,
        started_at=now,
        progress_ppm=400_000,
        progress_text="storm",
        attempt_count=1,
        samples=sample_points(9, every_ms=1000),
    )
    Attempt.objects.create(execution=active, number=1, started_at=now)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value, started_at=now - timedelta(seconds=12))
    run.refresh_from_db()
    return run


def finish_run(run: Run) -> None:
    """Bring a running run to its end, as if every scenario that is left had finished well, and judge it."""
    left = run.executions.exclude(state=ExecutionState.FINISHED.value)
    _end({one: readings_of(one.scenario, soak_seconds=run.duration_seconds) for one in left})
    judge_run(run.pk)
