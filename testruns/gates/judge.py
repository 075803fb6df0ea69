"""The judge: from the measurements of a run's executions to verdicts, by one policy. It reads nothing else.

Decided here, because the rules leave it open: noise never makes a FAIL, and it never takes away a PASS, because a
figure that holds on a disturbed machine holds. A figure that fails there is INCONCLUSIVE.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import REASONS, Finding, GateOutcome, Judgement, RuleOutcome, SourceReading
from testruns.gates.policy import Policy, PolicyValues
from testruns.gates.reading import read_source
from testruns.gates.remarks import noise_remark, reasons_of_errors
from testruns.gates.rule import Rule, Severity
from testruns.gates.suite import SUITE
from testruns.gates.verdicts import Verdict, worst
from testruns.run_states import ExecutionState

FINDING = gettext_noop("Rule %(code)s failed: %(reasons)s")

_SEVERITY_ORDER = {severity: order for order, severity in enumerate(Severity)}


def judge(*, policy: Policy, executions: Sequence[MeasuredExecution]) -> Judgement:
    """Judge the executions of a run under a policy.

    Each rule reads each of its sources in every execution of that scenario (a sweep has several); the worst counts and
    all are listed. A gate gets the worst of its critical and major rules, a scenario the worst of what those rules read
    in it. Failed rules become findings, the critical ones first, and a machine that was busy with other things another.
    """
    outcomes = tuple(_judge_rule(rule=rule, executions=executions, values=policy.values) for rule in policy.rules)
    judgement = conclude(gates=policy.gates, outcomes=outcomes, executions=executions)
    remark = noise_remark(executions=executions, values=policy.values)
    return judgement if remark is None else replace(judgement, findings=(*judgement.findings, remark))


def conclude(
    *, gates: Iterable[str], outcomes: tuple[RuleOutcome, ...], executions: Sequence[MeasuredExecution]
) -> Judgement:
    """Gates, scenarios and findings from the outcomes of the rules, whoever found those."""
    failed = sorted(
        (outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL),
        key=lambda outcome: _SEVERITY_ORDER[outcome.rule.severity],
    )
    return Judgement(
        rules=outcomes,
        gates={gate: _judge_gate(gate=gate, outcomes=outcomes) for gate in gates},
        scenarios=_judge_scenarios(outcomes=outcomes, executions=executions),
        findings=tuple(_finding(outcome, executions) for outcome in failed),
    )


def _judge_rule(*, rule: Rule, executions: Sequence[MeasuredExecution], values: PolicyValues) -> RuleOutcome:
    readings = tuple(
        read_source(rule=rule, source=source, execution=execution, values=values)
        for source in rule.sources
        for execution in _executions_of(source.scenario, executions)
    )
    deciding = max(readings, key=_badness)
    return RuleOutcome(
        rule=rule,
        verdict=deciding.verdict,
        actual=deciding.value,
        margin=deciding.margin,
        is_blocking=any(reading.is_blocking for reading in readings),
        reason=REASONS[deciding.cause],
        reason_params=deciding.params,
        sources=readings,
    )


def _executions_of(scenario: str, executions: Iterable[MeasuredExecution]) -> Sequence[MeasuredExecution | None]:
    return [execution for execution in executions if execution.scenario == scenario] or [None]


def _badness(reading: SourceReading) -> tuple[int, Decimal]:
    """Worse verdicts first; among equals what is missing, then the smallest margin."""
    return reading.verdict.rank, Decimal("Infinity") if reading.margin is None else -reading.margin


def _judge_gate(*, gate: str, outcomes: Iterable[RuleOutcome]) -> GateOutcome:
    """A gate without a rule that counts is INCONCLUSIVE: nothing was asked."""
    own = [outcome for outcome in outcomes if outcome.rule.gate == gate]
    counting = [outcome for outcome in own if outcome.counts]
    verdict = worst(outcome.verdict for outcome in counting)
    warnings = [outcome for outcome in own if not outcome.counts and outcome.verdict is Verdict.FAIL]
    first = next((outcome.rule.code for outcome in counting if outcome.verdict is verdict), None)
    return GateOutcome(gate=gate, verdict=verdict, worst_rule=first, warning_count=len(warnings))


def _judge_scenarios(*, outcomes: Iterable[RuleOutcome], executions: Sequence[MeasuredExecution]) -> dict[str, Verdict]:
    found: defaultdict[str, list[Verdict]] = defaultdict(list)
    for outcome in outcomes:
        for reading in outcome.sources if outcome.counts else ():
            found[reading.scenario].append(reading.verdict)
    for execution in executions:
        if execution.state is ExecutionState.ERRORED:
            found[execution.scenario].append(Verdict.ERROR)
        elif execution.state is not ExecutionState.FINISHED:
            found[execution.scenario].append(Verdict.INCONCLUSIVE)
    requested = {execution.scenario for execution in executions}
    return {scenario: worst(found[scenario]) for scenario in sorted(requested, key=_suite_order)}


def _suite_order(scenario: str) -> tuple[int, str]:
    return (SUITE.index(scenario) if scenario in SUITE else len(SUITE), scenario)


def _finding(outcome: RuleOutcome, executions: Sequence[MeasuredExecution]) -> Finding:
    failing = [reading for reading in outcome.sources if reading.verdict is Verdict.FAIL]
    reasons = [{"template": REASONS[reading.cause], "params": dict(reading.params)} for reading in failing]
    reasons += [reason for reading in failing for reason in reasons_of_errors(reading, executions)]
    return Finding(
        rule_code=outcome.rule.code,
        severity=outcome.rule.severity,
        what=FINDING,
        what_params={"code": outcome.rule.code, "reasons": reasons},
        impact=outcome.rule.impact,
        where=outcome.rule.where,
    )
