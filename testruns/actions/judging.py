"""Judging: when every execution of a run has ended, its measurements are judged under its policy, once for good.

JUDGED (all FINISHED) and CANCELLED (all cancelled) are frozen in the same transaction. UNFINISHED gets a provisional
recommendation and is frozen when its day is over (decisions.md, Runs).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor
from ledger import durable_head
from testruns.environment import LIVE_JOURNAL
from testruns.gates.judge import judge
from testruns.gates.measured import MeasuredExecution, Measurement
from testruns.gates.outcomes import Judgement, RuleOutcome
from testruns.gates.verdicts import Verdict
from testruns.models import Attempt, Build, Finding, GateResult, RuleResult, Run, ScenarioExecution
from testruns.recommendation import Recommended, recommend
from testruns.run_states import ExecutionState, RunState, require_transition, run_state_of
from testruns.wording import plain_decimal

from .limits import ATTEMPT_AGAIN_HOURS
from .manifests import manifest_of
from .policies import rules_of
from .requesting import plan_of
from .verifying import digests_of


def settle_run(*, run_id: int) -> Run:
    """Bring the run's state in line with its executions; judge it when all have ended. Idempotent."""
    with transaction.atomic():
        run = Run.objects.select_for_update().select_related("policy", "build").get(pk=run_id)
        if run.is_frozen:
            return run
        executions = list(run.executions.defer("samples").order_by("position"))
        state = run_state_of([ExecutionState(execution.state) for execution in executions])
        if state.value != run.state:
            require_transition(before=RunState(run.state), after=state)
        if state in (RunState.JUDGED, RunState.CANCELLED, RunState.UNFINISHED):
            _end(run, state=state, executions=executions)
        elif state.value != run.state:
            run.state = state.value
            _save(run, "state")
    return run


def judge_run(run_id: int) -> Run:
    """Judge a run whose executions have all ended; one that waits or works is left as it is. See `settle_run`."""
    return settle_run(run_id=run_id)


def withdraw_results(*, run_id: int) -> None:
    """Take back a provisional judgement, because one of its executions is attempted again."""
    for model in (GateResult, RuleResult, Finding):
        model.objects.filter(run_id=run_id).delete()
    ScenarioExecution.objects.filter(run_id=run_id).update(verdict="")
    Run.objects.filter(pk=run_id).update(
        recommendation="",
        sentence="",
        sentence_params={},
        missing=[],
        manifest="",
        manifest_digest="",
        version=F("version") + 1,
    )


def freeze_overdue_runs() -> int:
    """Freeze UNFINISHED runs whose day for further attempts is over. Returns how many."""
    limit = timezone.now() - timedelta(hours=ATTEMPT_AGAIN_HOURS)
    overdue = Run.objects.filter(
        state=RunState.UNFINISHED.value, frozen_at__isnull=True, finished_at__lt=limit
    ).values_list("pk", flat=True)
    return sum(freeze_run(run_id=run_id) for run_id in list(overdue))


def freeze_for_release(*, actor: Actor, build: Build) -> tuple[int, ...]:
    """Freeze every UNFINISHED run of a build, because a release request opens for it. Returns the runs' numbers.

    Call it in the transaction that opens the request. After it no execution of these runs is attempted again.
    """
    unfinished = Run.objects.filter(build=build, state=RunState.UNFINISHED.value, frozen_at__isnull=True)
    numbers = list(unfinished.order_by("pk").values_list("pk", flat=True))
    return tuple(number for number in numbers if freeze_run(run_id=number, actor=actor))


def freeze_run(*, run_id: int, actor: Actor | None = None) -> bool:
    """Freeze a run that has ended, as it is. False when it is frozen already or has not ended.

    actor: the person whose act asks for it; None when its day is over.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.is_frozen or run.finished_at is None or run.state != RunState.UNFINISHED.value:
            return False
        run.frozen_at = timezone.now()
        _save(run, "frozen_at")
        after = {"manifest": run.manifest_digest, "judged": digests_of(run_id)}
        audit.record(actor=actor, act="run.freeze", object=f"run:{run_id}", after=after)
    return True


def _end(run: Run, *, state: RunState, executions: Sequence[ScenarioExecution]) -> None:
    if run.state == state.value and run.manifest_digest:
        return
    now = timezone.now()
    before = run.state
    run.state, run.finished_at = state.value, now
    if state is not RunState.CANCELLED:
        _judge(run, executions=executions)
    run.environment = run.environment | _live_head()
    run.manifest, run.manifest_digest = manifest_of(run)
    if state is not RunState.UNFINISHED:
        run.frozen_at = now
    _save(
        run,
        "state",
        "finished_at",
        "frozen_at",
        "recommendation",
        "sentence",
        "sentence_params",
        "missing",
        "environment",
        "manifest",
        "manifest_digest",
    )
    audit.record(
        actor=None,
        act="run.judge",
        object=f"run:{run.pk}",
        before={"state": before},
        after={
            "state": run.state,
            "recommendation": run.recommendation,
            "manifest": run.manifest_digest,
            "is_frozen": run.is_frozen,
        }
        | ({"judged": digests_of(run.pk)} if run.is_frozen else {}),
    )


def _live_head() -> dict[str, Any]:
    """Up to where the journal of credits had come when the run ended; nothing where there is none yet."""
    head = durable_head(path=Path(settings.STORAGE) / "events" / "credits")
    return {} if head is None else {LIVE_JOURNAL: {"seq": head.seq, "hash": head.hash}}


def _judge(run: Run, *, executions: Sequence[ScenarioExecution]) -> None:
    last = _last_attempts(executions)
    measured = [_measured(run, execution, last.get(execution.pk)) for execution in executions]
    policy = rules_of(run.policy)
    judgement = judge(policy=policy, executions=measured)
    advice = recommend(plan=plan_of(run), judgement=judgement, executions=measured, suite=policy.suite)
    _write_results(run, judgement)
    _write_verdicts(executions, judgement)
    _write_advice(run, advice)


def _last_attempts(executions: Sequence[ScenarioExecution]) -> dict[int, Attempt]:
    """By execution: one that was never attempted has none."""
    last = Attempt.objects.filter(execution__in=executions, number=F("execution__attempt_count"))
    return {attempt.execution_id: attempt for attempt in last.prefetch_related("measurements")}


def _measured(run: Run, execution: ScenarioExecution, last: Attempt | None) -> MeasuredExecution:
    readings = last.measurements.all() if last else ()
    return MeasuredExecution(
        scenario=execution.scenario,
        concurrency=execution.concurrency,
        state=ExecutionState(execution.state),
        measurements={
            one.name: Measurement(name=one.name, value=Decimal(one.value), unit=one.unit) for one in readings
        },
        retry_injection=run.retry_injection,
        anomaly_injection=run.anomaly_injection,
        karma_available=run.karma_available,
    )


def _write_results(run: Run, judgement: Judgement) -> None:
    for model in (GateResult, RuleResult, Finding):
        model.objects.filter(run=run).delete()
    GateResult.objects.bulk_create(
        GateResult(run=run, gate=one.gate, verdict=one.verdict.value, worst_rule=one.worst_rule or "")
        for one in judgement.gates.values()
    )
    RuleResult.objects.bulk_create(_rule_result(run, outcome) for outcome in judgement.rules)
    Finding.objects.bulk_create(
        Finding(
            run=run,
            rule_code=one.rule_code,
            severity=one.severity.value,
            what=one.what,
            what_params=dict(one.what_params),
            impact=one.impact,
            where=one.where,
        )
        for one in judgement.findings
    )


def _rule_result(run: Run, outcome: RuleOutcome) -> RuleResult:
    rule = outcome.rule
    return RuleResult(
        run=run,
        code=rule.code,
        gate=rule.gate,
        severity=rule.severity.value,
        verdict=outcome.verdict.value,
        operator=rule.operator.value,
        expected=_text(rule.threshold),
        blocking=_text(rule.blocking),
        actual=_text(outcome.actual),
        margin=_text(outcome.margin),
        unit=rule.unit,
        is_blocking=outcome.is_blocking,
        question=rule.question,
        reason=outcome.reason,
        reason_params=dict(outcome.reason_params),
        sources=[reading.as_json() for reading in outcome.sources],
    )


def _write_verdicts(executions: Iterable[ScenarioExecution], judgement: Judgement) -> None:
    """A scenario's verdict; of a sweep every level shows the scenario's."""
    for execution in executions:
        verdict = judgement.scenarios.get(execution.scenario, Verdict.INCONCLUSIVE)
        ScenarioExecution.objects.filter(pk=execution.pk).update(verdict=verdict.value)


def _write_advice(run: Run, advice: Recommended) -> None:
    run.recommendation = advice.word.value
    run.sentence = advice.sentence
    run.sentence_params = dict(advice.sentence_params)
    run.missing = list(advice.missing)


def _save(run: Run, *names: str) -> None:
    run.version += 1
    run.save(update_fields=[*names, "version"])


def _text(number: Decimal | None) -> str:
    return "" if number is None else plain_decimal(number)
