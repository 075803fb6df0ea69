"""Runs as rows for the benchmark: one that the product judged, and as many like it as are asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.kernel.models import Person
from testruns.actions import active_policy, judge_run, rules_of
from testruns.environment import identify_build
from testruns.gates.policy import Policy
from testruns.gates.rule import Kind
from testruns.models import Attempt, Build, GateResult, Measurement, Run, ScenarioExecution
from testruns.plan import RunPlan
from testruns.run_states import ExecutionState, RunState

BATCH = 500
RARE_EVERY = 100
_SAMPLES = [{"elapsed_ms": 1000 * second, "operations": 100 * second, "p95_us": 2100} for second in range(60)]


def make_runs(*, person: Person, count: int) -> Run:
    """`count` judged runs, the newest of which was judged by the product; that one."""
    judged = _judged_run(person)
    values = {field.attname: getattr(judged, field.attname) for field in Run._meta.concrete_fields}
    gates = [dict(row) for row in judged.gate_results.values("gate", "verdict", "worst_rule")]
    for first in range(0, count - 1, BATCH):
        _copy(values, gates, first=first, count=min(BATCH, count - 1 - first))
    return judged


def _judged_run(person: Person) -> Run:
    policy = active_policy()
    rules = rules_of(policy)
    plan = RunPlan.of_profile(profile="full", soak_seconds=rules.values.soak_seconds)
    found = identify_build()
    build, _ = Build.objects.get_or_create(
        name="gatehouse", commit=found.commit or "", tree_digest=found.tree_digest, is_clean=found.is_clean
    )
    run = Run.objects.create(
        build=build, policy=policy, requested_by=person, via="console", planned_seconds=2100, **plan.as_json()
    )
    for position, planned in enumerate(plan.executions(), start=1):
        row = ScenarioExecution.objects.create(
            run=run,
            position=position,
            scenario=planned.scenario,
            concurrency=planned.concurrency,
            planned_seconds=planned.planned_seconds,
            disk_bytes=planned.disk_bytes,
            state=ExecutionState.FINISHED.value,
            progress_ppm=1_000_000,
            attempt_count=1,
            samples=_SAMPLES,
        )
        _measure(row, rules)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING.value, started_at=timezone.now())
    judge_run(run.pk)
    return Run.objects.get(pk=run.pk)


def _measure(row: ScenarioExecution, policy: Policy) -> None:
    """One attempt that measured, for each rule, its threshold."""
    attempt = Attempt.objects.create(execution=row, number=1)
    measured: dict[str, tuple[str, str]] = {}
    for rule in policy.rules:
        for source in rule.sources:
            if source.scenario == row.scenario:
                suffixes = ("", "_low", "_high") if rule.kind is Kind.MEMORY else ("",)
                measured |= {source.measurement + suffix: (str(rule.threshold), rule.unit) for suffix in suffixes}
    Measurement.objects.bulk_create(
        Measurement(attempt=attempt, name=name, value=value, unit=unit) for name, (value, unit) in measured.items()
    )
    attempt.state, attempt.finished_at = ExecutionState.FINISHED.value, timezone.now()
    attempt.save()


def _copy(values: dict[str, Any], gates: list[dict[str, Any]], *, first: int, count: int) -> None:
    """Earlier runs like the one, an hour apart; one in a hundred ended badly. Frozen when all their rows are there."""
    runs = [
        Run(
            **values
            | {"id": None, "state": RunState.RUNNING.value, "frozen_at": None}
            | {"requested_at": values["requested_at"] - timedelta(hours=first + n + 1)}
            | {"recommendation": values["recommendation"] if (first + n) % RARE_EVERY else "NO_GO"}
        )
        for n in range(count)
    ]
    Run.objects.bulk_create(runs)
    GateResult.objects.bulk_create(GateResult(run=run, **gate) for run in runs for gate in gates)
    ScenarioExecution.objects.bulk_create(
        ScenarioExecution(
            run=run,
            position=position,
            scenario=scenario,
            concurrency=50,
            planned_seconds=60,
            disk_bytes=2**25,
            state=ExecutionState.FINISHED.value,
            progress_ppm=1_000_000,
            samples=_SAMPLES,
        )
        for run in runs
        for position, scenario in enumerate(run.scenarios, start=1)
    )
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(
        state=values["state"], frozen_at=values["frozen_at"] or timezone.now()
    )
