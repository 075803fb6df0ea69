"""Runs in a list: what a line of it shows, without the large columns, and what tells whether any of them changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import F, Max, OuterRef, Prefetch, QuerySet, Subquery, Sum

from testruns.models import GateResult, Run, ScenarioExecution
from testruns.run_states import RunState

ACTIVE = (RunState.QUEUED.value, RunState.RUNNING.value)
HEAD_COLUMNS = (
    "pk",
    "state",
    "recommendation",
    "frozen_at",
    "profile",
    "scenarios",
    "concurrency",
    "duration_seconds",
    "seed",
    "build__name",
    "build__commit",
    "build__tree_digest",
    "build__is_clean",
    "requested_by__username",
    "via",
    "requested_at",
    "started_at",
    "finished_at",
)
"""What is said of a run in one line, as columns."""
LINE_COLUMNS = (*HEAD_COLUMNS, "requested_by__printed_name", "planned_seconds", "sentence", "sentence_params")
"""What a line of a list shows of it beside that, and the first page of the last one."""


def with_progress(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Add what `progress_ppm_of` needs. Subqueries, so that only the runs of one page are summed up."""
    of_run = ScenarioExecution.objects.filter(run=OuterRef("pk")).order_by().values("run")
    done = of_run.annotate(sum=Sum(F("progress_ppm") * F("planned_seconds"))).values("sum")
    planned = of_run.annotate(sum=Sum("planned_seconds")).values("sum")
    return runs.annotate(_done=Subquery(done), _planned=Subquery(planned))


def progress_ppm_of(run: Any) -> int:
    """The share of a run read by `with_progress`."""
    return int((run._done or 0) // max(run._planned or 0, 1))


def listed_runs() -> QuerySet[Run]:
    """Runs with everything a line of a list shows, and no other column."""
    gates = Prefetch("gate_results", queryset=GateResult.objects.only("run", "gate", "verdict").order_by("gate"))
    runs = Run.objects.select_related("build", "requested_by").only(*LINE_COLUMNS).prefetch_related(gates)
    return with_progress(runs).order_by("-pk")


def head_rows(run_ids: Collection[int]) -> QuerySet[Run, Any]:
    """These runs as plain rows with the attributes HEAD_COLUMNS: a tenth of the work that models are. One query."""
    return Run.objects.filter(pk__in=run_ids).order_by().values_list(*HEAD_COLUMNS, named=True)


def gates_of(run_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    """Gate and verdict of each judged gate, by run. One query."""
    found: dict[int, list[tuple[str, str]]] = {}
    rows = GateResult.objects.filter(run__in=run_ids).order_by("gate")
    for run_id, gate, verdict in rows.values_list("run_id", "gate", "verdict"):
        found.setdefault(run_id, []).append((gate, verdict))
    return found


def progress_of(run_ids: Collection[int]) -> dict[int, int]:
    """The share of the planned work that was done, in millionths, by run. One query."""
    done = Sum(F("progress_ppm") * F("planned_seconds"))
    rows = ScenarioExecution.objects.filter(run__in=run_ids).order_by().values_list("run_id")
    return {
        run_id: int(worked // max(planned, 1))
        for run_id, worked, planned in rows.annotate(done=done, planned=Sum("planned_seconds"))
    }


def list_token() -> str:
    """Changes whenever any run does: one query over the rows' version numbers."""
    figures = Run.objects.order_by().aggregate(last=Max("pk"), versions=Sum("version"))
    return f"{figures['last'] or 0}.{figures['versions'] or 0}"
