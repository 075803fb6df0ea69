"""What a plan will and will not be able to answer, said before the run is requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testruns.actions import policies
from testruns.gates.outcomes import INJECTION_NAMES, REASONS, Cause
from testruns.gates.policy import Policy
from testruns.gates.rule import Kind, Rule, Severity
from testruns.plan import RunPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """One thing that will be missing: a sentence (template and values) and the rules it leaves without an answer."""

    sentence: str
    params: dict[str, Any]
    rules: tuple[Rule, ...]

    @property
    def codes(self) -> str:
        """The rules by code."""
        return ", ".join(rule.code for rule in self.rules)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """Which scenarios run once per level, and which once only, at the first level."""

    levels: tuple[int, ...]
    swept: tuple[str, ...]
    once: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a plan costs and what will be missing afterwards."""

    planned_seconds: int
    disk_bytes: int
    execution_count: int
    sweep: Sweep | None
    gaps: tuple[Gap, ...]


def active_policy() -> Policy:
    """The policy new runs are judged under. One query. NoActivePolicy when nobody activated one."""
    return policies.rules_of(policies.active_policy())


def forecast_of(*, plan: RunPlan, policy: Policy) -> Forecast:
    """Work out cost and gaps of a valid plan. Warnings are no gap: they decide nothing."""
    executions = plan.executions(offered_rate=policy.values.offered_rate)
    deciding = tuple(rule for rule in policy.rules if rule.severity is not Severity.WARNING)
    gaps = (*_of_scenarios(plan, deciding), *_of_injections(plan, deciding), *_of_duration(plan, policy, deciding))
    return Forecast(
        planned_seconds=sum(execution.planned_seconds for execution in executions),
        disk_bytes=sum(execution.disk_bytes for execution in executions),
        execution_count=len(executions),
        sweep=_sweep_of(plan),
        gaps=gaps,
    )


def _sweep_of(plan: RunPlan) -> Sweep | None:
    if len(plan.concurrency) == 1:
        return None
    swept = plan.swept_scenarios
    return Sweep(levels=plan.concurrency, swept=swept, once=tuple(code for code in plan.scenarios if code not in swept))


def _of_scenarios(plan: RunPlan, rules: tuple[Rule, ...]) -> list[Gap]:
    gaps = []
    missing = sorted({source.scenario for rule in rules for source in rule.sources} - set(plan.scenarios))
    for scenario in missing:
        blind = tuple(rule for rule in rules if any(source.scenario == scenario for source in rule.sources))
        gaps.append(Gap(sentence=REASONS[Cause.NOT_REQUESTED], params={"scenario": scenario}, rules=blind))
    return gaps


def _of_injections(plan: RunPlan, rules: tuple[Rule, ...]) -> list[Gap]:
    gaps = []
    for field, name in INJECTION_NAMES.items():
        blind = tuple(rule for rule in rules if rule.needs == field)
        if blind and not getattr(plan, field):
            params = {"injection": {"template": name, "params": {}}}
            gaps.append(Gap(sentence=REASONS[Cause.INJECTION_OFF], params=params, rules=blind))
    return gaps


def _of_duration(plan: RunPlan, policy: Policy, rules: tuple[Rule, ...]) -> list[Gap]:
    """A soak shorter than the policy's; one within the warm-up leaves the memory trend without a number too."""
    asked = [rule for rule in rules if {source.scenario for source in rule.sources} <= set(plan.scenarios)]
    unmeasured = [
        rule for rule in asked if rule.kind is Kind.MEMORY and plan.duration_seconds <= policy.values.warmup_seconds
    ]
    gaps = []
    for rule in asked:
        seconds = int(rule.threshold) - plan.duration_seconds
        if rule.kind is Kind.DURATION and seconds > 0:
            gaps.append(Gap(sentence=REASONS[Cause.TOO_SHORT], params={"seconds": seconds}, rules=(rule, *unmeasured)))
    return gaps
