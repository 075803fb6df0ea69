"""A judged run as rows: measurements as the gates' tests make them, judged by the product's own action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.kernel.models import Person
from testruns.actions import active_policy, judge_run
from testruns.evidence import store
from testruns.gates.measured import MeasuredExecution
from testruns.models import Attempt, Build, Measurement, Run, RunEvidence, ScenarioExecution
from testruns.run_states import ExecutionState, RunState

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENVIRONMENT = {
    "build": {"branch": "main"},
    "machine": {"system": "Linux", "processor": "Ten cores <b>", "cores": 2, "memory_bytes": 4_000_000_000},
    "python": {"version": "3.11.7", "implementation": "CPython"},
    "disk": {
        "file_system": "ext4",
        "floor": {
            "fsyncs_per_second": 1234,
            "fsyncs_per_second_low": 233,
            "fsyncs_per_second_high": 14474,
            "p50_us": 800,
            "p95_us": 1900,
            "p99_us": 2100,
            "slices": 3,
            "slice_ms": 500,
        },
    },
}
OPENED = {
    "files": ["<run>/journal/#.log", "/usr/lib/locale.alias"],
    "sockets": ["inet 127.0.0.1:40000 -> 127.0.0.1:40001 ESTABLISHED", "unix unnamed NONE"],
}

MakeJudged = Callable[..., Run]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage of its own for evidence."""
    settings.STORAGE = tmp_path
    yield tmp_path


@pytest.fixture
def make_judged(db: None, storage: Path) -> MakeJudged:
    """A run with these executions, ended and judged. By scenario: errors (error text and stderr), outputs, peaks."""

    def make(
        executions: Sequence[MeasuredExecution],
        *,
        errors: dict[str, tuple[str, bytes]] | None = None,
        outputs: dict[str, bytes] | None = None,
        peaks: dict[str, int] | None = None,
        opened: dict[str, list[str]] | None = OPENED,
        **changes: Any,
    ) -> Run:
        run = _run(executions, **changes)
        for position, measured in enumerate(executions, start=1):
            said = (outputs or {}).get(measured.scenario)
            error = (errors or {}).get(measured.scenario)
            peak = (peaks or {}).get(measured.scenario, 64_500_000)
            _execution(run, position, measured, error=error, output=said, opened=opened, peak=peak)
        Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value, started_at=STARTED)
        return Run.objects.get(pk=judge_run(run.pk).pk)

    return make


def _run(executions: Sequence[MeasuredExecution], **changes: Any) -> Run:
    tester = Person.objects.create_user(username="tess", printed_name="Tess Tester")
    build = Build.objects.create(name="gatehouse", commit="c0ffee" * 6 + "beef", tree_digest="d" * 64, is_clean=True)
    values: dict[str, Any] = {
        "build": build,
        "policy": active_policy(),
        "requested_by": tester,
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
        "environment": ENVIRONMENT,
    }
    return Run.objects.create(**{**values, **changes})


def _execution(
    run: Run,
    position: int,
    measured: MeasuredExecution,
    *,
    error: tuple[str, bytes] | None,
    output: bytes | None,
    opened: dict[str, list[str]] | None,
    peak: int,
) -> None:
    is_finished = measured.state is ExecutionState.FINISHED
    was_attempted = is_finished or bool(measured.measurements)
    row = ScenarioExecution.objects.create(
        run=run,
        position=position,
        scenario=measured.scenario,
        concurrency=measured.concurrency,
        planned_seconds=30,
        disk_bytes=2**20,
        state=measured.state.value,
        attempt_count=int(was_attempted),
        error=error[0] if error else "",
        opened=opened if opened and is_finished else {},
        journal_head={"seq": 1200 + position, "hash": "ab" * 32} if is_finished else None,
        samples=[
            {"elapsed_ms": 1000, "rss_anon_bytes": 61_000_000},
            {"elapsed_ms": 2000, "rss_anon_bytes": peak},
        ],
    )
    if not was_attempted:
        return
    attempt = Attempt.objects.create(execution=row, number=1, started_at=STARTED)
    for one in measured.measurements.values():
        Measurement.objects.create(attempt=attempt, name=one.name, value=str(one.value), unit=one.unit)
    if error:
        attempt.error = error[0]
        attempt.stderr = store(content=error[1], media_type="text/plain") if error[1] else None
    if output is not None:
        attempt.output = store(content=output, media_type="application/jsonl")
    attempt.state, attempt.finished_at = measured.state.value, STARTED + timedelta(seconds=12, milliseconds=345)
    attempt.save()
    if attempt.stderr:
        RunEvidence.objects.create(run=run, execution=row, attempt=attempt, role="stderr", evidence=attempt.stderr)
