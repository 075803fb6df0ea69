"""Waivers laid over judged runs: what gates and recommendation would be if somebody answers for a measured failure.

Nothing here is stored with a result. Several runs count as one: per rule the worst of them (decisions.md, Release).
A waiver reaches a failure that was measured, of a major rule. It reaches neither correctness (critical rules), nor how
long was measured, nor data that is missing: a reading without an answer stays one beside a waived failure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledger import gettext_noop
from testruns.gates.judge import conclude
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import REASONS, Judgement, RuleOutcome, SourceReading
from testruns.gates.rule import Kind, Rule, Severity
from testruns.gates.verdicts import Verdict
from testruns.recommendation import Recommendation, Recommended, recommend

_CRITICAL: Final = gettext_noop("Rule %(code)s is about correctness, which cannot be waived.")
_DURATION: Final = gettext_noop("Rule %(code)s asks how long was measured, which cannot be waived.")
_WARNING: Final = gettext_noop("Rule %(code)s is a warning: it decides nothing, so there is nothing to waive.")
_GO_WITH_WAIVERS: Final = gettext_noop(
    "Every deciding rule holds but those that somebody answers for by a waiver: %(waived)s. "
    "Warnings to read: %(warnings)s."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRun:
    """A judged run as it was stored: what its plan asked for, how its executions ended, what its rules found."""

    scenarios: tuple[str, ...]
    executions: tuple[MeasuredExecution, ...]
    rules: tuple[RuleOutcome, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """The judgement and the advice with waivers laid over; `waived` are the rules a waiver really answers for."""

    judgement: Judgement
    recommended: Recommended
    waived: tuple[str, ...]


def why_not_waivable(rule: Rule) -> str:
    """Template (with `code`) of the reason why a rule can never be waived; empty when its failure can be."""
    if rule.severity is Severity.CRITICAL:
        return _CRITICAL
    if rule.kind is Kind.DURATION:
        return _DURATION
    return _WARNING if rule.severity is Severity.WARNING else ""


def overlay(*, gates: Sequence[str], runs: Sequence[JudgedRun], waived: Collection[str]) -> Overlay:
    """Judge the runs together with the rules of these codes waived. Without a waiver one run gets its own advice back.

    gates: of the policy all the runs were judged under. ValueError for no run, or runs of different rules.
    """
    if not runs:
        raise ValueError("there is no run to lay waivers over")
    codes = [outcome.rule.code for outcome in runs[0].rules]
    if any([outcome.rule.code for outcome in run.rules] != codes for run in runs):
        raise ValueError("the runs were judged by different rules")
    together = (_worst(same_rule) for same_rule in zip(*(run.rules for run in runs), strict=True))
    outcomes = tuple(_waive(outcome) if outcome.rule.code in waived else outcome for outcome in together)
    executions = [execution for run in runs for execution in run.executions]
    judgement = conclude(gates=gates, outcomes=outcomes, executions=executions)
    plan = _CommonPlan(scenarios=_common_scenarios(runs))
    advice = recommend(plan=plan, judgement=judgement, executions=executions)
    effective = tuple(
        outcome.rule.code
        for outcome in outcomes
        if any(reading.verdict is Verdict.WAIVED for reading in outcome.sources)
    )
    return Overlay(judgement=judgement, recommended=_said(advice, judgement, effective), waived=effective)


@dataclass(frozen=True, kw_only=True, slots=True)
class _CommonPlan:
    scenarios: tuple[str, ...]


def _common_scenarios(runs: Sequence[JudgedRun]) -> tuple[str, ...]:
    return tuple(code for code in runs[0].scenarios if all(code in run.scenarios for run in runs))


def _worst(outcomes: Sequence[RuleOutcome]) -> RuleOutcome:
    """One rule over several runs: the worst outcome with the readings of all."""
    worst = max(outcomes, key=lambda outcome: (outcome.verdict.rank, _distance(outcome.margin)))
    return dataclasses.replace(
        worst,
        is_blocking=any(outcome.is_blocking for outcome in outcomes),
        sources=tuple(reading for outcome in outcomes for reading in outcome.sources),
    )


def _distance(margin: Decimal | None) -> Decimal:
    return Decimal("Infinity") if margin is None else -margin


def _waive(outcome: RuleOutcome) -> RuleOutcome:
    """The outcome with its measured failures answered for; what decides then is the worst that is left."""
    if why_not_waivable(outcome.rule):
        return outcome
    readings = tuple(_waive_reading(reading) for reading in outcome.sources)
    deciding = max(readings, key=lambda reading: reading.verdict.rank)
    if deciding.verdict is outcome.verdict:
        return outcome
    return dataclasses.replace(
        outcome,
        verdict=deciding.verdict,
        sources=readings,
        reason=REASONS[deciding.cause],
        reason_params=deciding.params,
    )


def _waive_reading(reading: SourceReading) -> SourceReading:
    """A FAIL was always measured; what was not is INCONCLUSIVE or ERROR and stays so."""
    return dataclasses.replace(reading, verdict=Verdict.WAIVED) if reading.verdict is Verdict.FAIL else reading


def _said(advice: Recommended, judgement: Judgement, waived: tuple[str, ...]) -> Recommended:
    """GO must not claim that every rule holds when some are waived."""
    if advice.word is not Recommendation.GO or not waived:
        return advice
    warnings = sum(outcome.warning_count for outcome in judgement.gates.values())
    params = {"waived": list(waived), "warnings": warnings}
    return dataclasses.replace(advice, sentence=_GO_WITH_WAIVERS, sentence_params=params)
