"""A sound run as measurements, and small changes to it: what every test of judging starts from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from testruns.gates.judge import judge
from testruns.gates.measured import MeasuredExecution, Measurement
from testruns.gates.outcomes import Judgement, RuleOutcome
from testruns.gates.policy import shipped_policy
from testruns.gates.suite import SUITE
from testruns.recommendation import Recommended, recommend
from testruns.run_states import ExecutionState

EVERYWHERE: Mapping[str, tuple[str, str]] = {
    "double_charges": ("0", "count"),
    "lost_effects": ("0", "count"),
    "extra_effects": ("0", "count"),
    "missing_schema": ("0", "count"),
    "missing_correlation": ("0", "count"),
    "unresolved_causation": ("0", "count"),
    "duplicate_keys": ("0", "count"),
    "chain_breaks": ("0", "count"),
    "drift_micros_max": ("0", "micro-credits"),
    "negative_balances": ("0", "count"),
    "accounts_sum_micros": ("0", "micro-credits"),
    "state_hashes_distinct": ("1", "count"),
    "steal_ppm": ("1000", "ppm"),
    "foreign_load_ppm": ("2000", "ppm"),
}

OWN: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "credit_storm": {"p95_us": ("80000", "us"), "operations_per_second": ("900", "operations/s")},
    "synergy_anti_gaming": {"rewards_beyond_cap": ("0", "count"), "rewards_capped": ("12", "count")},
    "approval_race": {
        "decisions_per_request_min": ("1", "count"),
        "decisions_per_request_max": ("1", "count"),
        "audit_missing": ("0", "count"),
        "decision_p95_us": ("40000", "us"),
    },
    "karma_blackout": {
        "operations_failed": ("0", "count"),
        "crashes": ("0", "count"),
        "fallback_recorded": ("50", "count"),
        "breaker_opened": ("1", "count"),
        "breaker_closed": ("1", "count"),
    },
    "ml_chaos": {
        "operations_failed": ("0", "count"),
        "crashes": ("0", "count"),
        "anomalies_blocked": ("0", "count"),
        "anomalies_missed": ("0", "count"),
        "ci_ppm_min": ("420000", "millionths"),
        "ci_ppm_max": ("610000", "millionths"),
        "throttle_recovered": ("1", "count"),
        "false_positive_ppm": ("1000", "ppm"),
    },
    "crash_replay": {"acknowledged_events_lost": ("0", "count")},
    "load_reality": {
        "duration_seconds": ("1800", "s"),
        "p95_us": ("20000", "us"),
        "memory_slope_low": ("-0.002", "MB/min"),
        "memory_slope": ("0.001", "MB/min"),
        "memory_slope_high": ("0.004", "MB/min"),
        "errors": ("0", "count"),
        "degradation_ppm": ("30000", "ppm"),
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The part of a run's plan that the recommendation reads."""

    scenarios: tuple[str, ...] = SUITE


def execution(
    scenario: str,
    *,
    concurrency: int = 50,
    state: ExecutionState = ExecutionState.FINISHED,
    retry_injection: bool = True,
    anomaly_injection: bool = True,
    figures: Mapping[str, str | None] | None = None,
    **more_figures: str | None,
) -> MeasuredExecution:
    """A sound execution of the scenario. figures: other values by measurement name, None removes the measurement."""
    changes = {**(figures or {}), **more_figures}
    measurements = {}
    for name, (value, unit) in {**EVERYWHERE, **OWN[scenario]}.items():
        changed = changes.pop(name, value)
        if changed is not None:
            measurements[name] = Measurement(name=name, value=Decimal(changed), unit=unit)
    assert not changes, f"{scenario} does not measure {sorted(changes)}"
    return MeasuredExecution(
        scenario=scenario,
        concurrency=concurrency,
        state=state,
        measurements=measurements,
        retry_injection=retry_injection,
        anomaly_injection=anomaly_injection,
    )


def sound_run(*replacements: MeasuredExecution) -> list[MeasuredExecution]:
    """All seven scenarios, sound, with the given executions in the place of their scenarios."""
    replaced = {replacement.scenario for replacement in replacements}
    return [execution(scenario) for scenario in SUITE if scenario not in replaced] + list(replacements)


def with_unit(changed: MeasuredExecution, *, name: str, unit: str) -> MeasuredExecution:
    """The execution with one measurement reported in another unit."""
    measurement = dataclasses.replace(changed.measurements[name], unit=unit)
    return dataclasses.replace(changed, measurements={**changed.measurements, name: measurement})


def judged(executions: Iterable[MeasuredExecution]) -> Judgement:
    """The executions judged under policy 1."""
    return judge(policy=shipped_policy(), executions=list(executions))


def outcome_of(judgement: Judgement, code: str) -> RuleOutcome:
    """The outcome of one rule."""
    return next(outcome for outcome in judgement.rules if outcome.rule.code == code)


def advised(executions: Iterable[MeasuredExecution], *, plan: Plan | None = None) -> Recommended:
    """The recommendation about the executions judged under policy 1."""
    given = list(executions)
    return recommend(plan=plan or Plan(), judgement=judged(given), executions=given)
