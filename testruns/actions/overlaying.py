"""Judged runs read back from their rows, so that waivers can be laid over them (`testruns.overlay`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import Cause, RuleOutcome, SourceReading
from testruns.gates.policy import Policy
from testruns.gates.verdicts import Verdict
from testruns.models import RuleResult, Run
from testruns.overlay import JudgedRun, Overlay, overlay
from testruns.run_states import ExecutionState

from .policies import rules_of
from .refusals import RunUnreadable


def overlay_of(*, runs: Sequence[Run], waived: Collection[str]) -> Overlay:
    """What the judged runs say together with the rules of these codes waived; writes nothing.

    All must be of one policy and have results. ValueError otherwise, and for no run. RunUnreadable where one of their
    rows holds what was never judged.
    """
    if len({run.policy_id for run in runs}) != 1:
        raise ValueError("waivers are laid over runs of one policy")
    return overlay(gates=rules_of(runs[0].policy).gates, runs=[_read(run) for run in runs], waived=waived)


FROZEN_MAX: Final = 32


def _read(run: Run) -> JudgedRun:
    return _frozen_run(run.pk, run.manifest_digest) if run.is_frozen and run.manifest_digest else _judged_run(run)


@lru_cache(maxsize=FROZEN_MAX)
def _frozen_run(number: int, manifest_digest: str) -> JudgedRun:
    """Read once per process: the results of a frozen run never change, and every phase rests on the same few."""
    row = Run.objects.select_related("policy").defer("manifest", "environment")
    return _judged_run(row.get(pk=number, manifest_digest=manifest_digest))


def _judged_run(run: Run) -> JudgedRun:
    policy = rules_of(run.policy)
    rows = {row.code: row for row in run.rule_results.all()}
    missing = [rule.code for rule in policy.rules if rule.code not in rows]
    if missing:
        raise ValueError(f"run {run.pk} has no result for {', '.join(missing)}")
    executions = run.executions.order_by("position").values_list("scenario", "concurrency", "state")
    try:
        return JudgedRun(
            scenarios=tuple(run.scenarios),
            executions=tuple(
                MeasuredExecution(scenario=scenario, concurrency=concurrency, state=ExecutionState(state))
                for scenario, concurrency, state in executions
            ),
            rules=tuple(_outcome(rows[rule.code], policy=policy, position=n) for n, rule in enumerate(policy.rules)),
        )
    except (ValueError, LookupError, TypeError, ArithmeticError) as damage:
        raise RunUnreadable(run=run.pk) from damage


def _outcome(row: RuleResult, *, policy: Policy, position: int) -> RuleOutcome:
    return RuleOutcome(
        rule=policy.rules[position],
        verdict=Verdict(row.verdict),
        actual=_number(row.actual),
        margin=_number(row.margin),
        is_blocking=row.is_blocking,
        reason=row.reason,
        reason_params=row.reason_params,
        sources=tuple(_reading(source) for source in row.sources),
    )


def _reading(source: Mapping[str, Any]) -> SourceReading:
    """The inverse of `SourceReading.as_json`, but for the margin, which is stored for the deciding reading only."""
    return SourceReading(
        scenario=source["scenario"],
        concurrency=source["concurrency"],
        measurement=source["measurement"],
        value=_number(source["value"] or ""),
        verdict=Verdict(source["verdict"]),
        cause=Cause(source["cause"]),
        params=source["reason"]["params"],
    )


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None
