"""What a run is doing just now: its scenario, how long it has run and has left, and how fast it is answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from testruns.models import Run, ScenarioExecution
from testruns.reading.careful import CarefulReading
from testruns.run_states import ExecutionState
from testruns.sources import SOURCES

AT_WORK = (ExecutionState.LEASED, ExecutionState.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doing:
    """scenario: its title. remaining_seconds: of the planned time. p95_us: of the latest
    sample, None where nothing was answered in it.
    """

    scenario: str
    finished_count: int
    total_count: int
    elapsed_seconds: int
    remaining_seconds: int
    p95_us: int | None


def doing_of(runs: Collection[Run], *, now: datetime, careful: CarefulReading) -> dict[int, Doing]:
    """What each of these runs is doing, by id; nothing for one of which nothing is executed, or that cannot be read.

    At most two queries.
    """
    started = {run.pk: run.started_at for run in runs if run.started_at}
    if not started:
        return {}
    executions = ScenarioExecution.objects.filter(run__in=started)
    active = {one.run_id: one for one in executions.filter(state__in=AT_WORK)}
    of_run: dict[int, list[ScenarioExecution]] = {run_id: [] for run_id in started}
    for one in executions.defer("samples"):
        of_run[one.run_id].append(one)
    elapsed = {run_id: round((now - at).total_seconds()) for run_id, at in started.items()}
    found = {
        run_id: careful.of(run_id, partial(_doing, one, among=of_run[run_id], elapsed_seconds=elapsed[run_id]))
        for run_id, one in active.items()
    }
    return {run_id: doing for run_id, doing in found.items() if doing is not None}


def remaining_seconds_of(executions: Collection[ScenarioExecution]) -> int:
    """What is left of the planned time of those that are not at their end."""
    left = [one for one in executions if not ExecutionState(one.state).is_terminal]
    return sum(one.planned_seconds * (1_000_000 - one.progress_ppm) for one in left) // 1_000_000


def _doing(active: ScenarioExecution, *, among: list[ScenarioExecution], elapsed_seconds: int) -> Doing:
    source = SOURCES.get(active.scenario)
    return Doing(
        scenario=source.title if source else active.scenario,
        finished_count=sum(one.state == ExecutionState.FINISHED for one in among),
        total_count=len(among),
        elapsed_seconds=elapsed_seconds,
        remaining_seconds=remaining_seconds_of(among),
        p95_us=(active.samples[-1].get("p95_us") or None) if active.samples else None,
    )
