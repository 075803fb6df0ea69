"""A run as its readers see it, in a constant number of queries and in the order a reviewer reads it.

The large columns (manifest, samples) are never read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone

from testruns.gates.registry import GATES, all_rules
from testruns.gates.rule import Rule
from testruns.gates.verdicts import Verdict
from testruns.models import (
    Attempt,
    Finding,
    GateResult,
    Measurement,
    RuleResult,
    Run,
    RunEvidence,
    ScenarioExecution,
)
from testruns.plan import IMPORT_PROFILE
from testruns.reading.running import AT_WORK, remaining_seconds_of
from testruns.reading.waiting import Waiting, waiting_of
from testruns.run_states import ExecutionState, RunState
from testruns.sources import SOURCES

FIRST_VERDICTS = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.WAIVED, Verdict.PASS)
FIRST_SEVERITIES = ("critical", "major", "warning")
KEY_FIGURES = (
    *("operations", "operations_per_second", "p95_us", "recovery_ms_max", "decision_p95_us", "p99_us"),
    *("cases_run", "failures", "pass_rate_ppm", "lines", "line_rate_ppm"),
)
KEY_FIGURES_MAX = 3
SAID_IN_SENTENCE_MAX = 4
SHIPPED_GATES = ("A", "B", "C", "D", "E")


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLine:
    """One tile of the verdict strip; `verdict` is empty while nothing is judged."""

    code: str
    title: str
    help: str
    verdict: str
    worst: RuleLine | None
    rule_count: int
    failed_count: int

    @property
    def held_count(self) -> int:
        """How many of its rules passed."""
        return self.rule_count - self.failed_count


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleLine:
    """One rule of the run with its help; the help belongs to the code and may be missing for a rule of old."""

    result: RuleResult
    help: str
    where: str

    @property
    def is_open(self) -> bool:
        """Whether its help is shown without asking: it was measured and fails. Why one has no answer is said anyway."""
        return self.result.verdict == Verdict.FAIL


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A measurement with its help."""

    name: str
    value: str
    unit: str
    help: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptLine:
    """One attempt with what it measured."""

    attempt: Attempt
    figures: tuple[Figure, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionLine:
    """One scenario execution: state, progress, latest figures, every attempt."""

    execution: ScenarioExecution
    title: str
    help: str
    attempts: tuple[AttemptLine, ...]
    waiting: Waiting | None

    @property
    def is_active(self) -> bool:
        """Whether a process works on it."""
        return self.execution.state in AT_WORK

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What the latest attempt measured."""
        return self.attempts[-1].figures if self.attempts else ()

    @property
    def key_figures(self) -> tuple[Figure, ...]:
        """The few figures that say most about it."""
        by_name = {figure.name: figure for figure in self.figures}
        return tuple(by_name[name] for name in KEY_FIGURES if name in by_name)[:KEY_FIGURES_MAX]

    @property
    def opened(self) -> tuple[tuple[str, list[str]], ...]:
        """What its processes really opened, by kind."""
        return tuple((kind, names) for kind, names in sorted((self.execution.opened or {}).items()))


@dataclass(frozen=True, kw_only=True)
class RunView:
    """Everything the readers of one run are told."""

    run: Run
    gates: tuple[GateLine, ...]
    rules: tuple[RuleLine, ...]
    executions: tuple[ExecutionLine, ...]
    findings: tuple[Finding, ...]
    evidence: tuple[RunEvidence, ...]
    now: datetime

    @property
    def bindings(self) -> tuple[int, ...]:
        """The numbers of `evidence`: a binding never changes, so they say all of it."""
        return tuple(binding.pk for binding in self.evidence)

    @property
    def is_import(self) -> bool:
        """Whether these are results from elsewhere: nothing ran here."""
        return self.run.profile == IMPORT_PROFILE

    @property
    def not_passed(self) -> list[dict[str, str]]:
        """The first cases of an import that did not pass: outcome and name."""
        cases: list[dict[str, str]] = self.run.environment.get("import", {}).get("not_passed", [])
        return cases

    @property
    def is_live(self) -> bool:
        """Whether the run is worth asking about again."""
        return self.run.state in (RunState.QUEUED, RunState.RUNNING)

    @property
    def is_judged(self) -> bool:
        """Whether there is a recommendation."""
        return bool(self.run.recommendation)

    @property
    def progress_ppm(self) -> int:
        """The share of the planned work that was done; what was cancelled or broke off counts as far as it came."""
        planned = sum(line.execution.planned_seconds for line in self.executions)
        done = sum(line.execution.planned_seconds * line.execution.progress_ppm for line in self.executions)
        return done // planned if planned else 0

    @property
    def remaining_seconds(self) -> int:
        """What is left of the planned time of the executions that are not at their end."""
        return remaining_seconds_of([line.execution for line in self.executions])

    @property
    def elapsed_seconds(self) -> int | None:
        """From start to end, or to now; None before the start."""
        if self.run.started_at is None:
            return None
        return round(((self.run.finished_at or self.now) - self.run.started_at).total_seconds())

    @property
    def finished_count(self) -> int:
        """How many executions did all they were to do."""
        return sum(line.execution.state == ExecutionState.FINISHED for line in self.executions)

    @property
    def unfinished_counts(self) -> dict[str, int]:
        """How many executions ended without finishing, by state."""
        counts = {state.value: 0 for state in ExecutionState if state.may_be_attempted_again}
        for line in self.executions:
            if line.execution.state in counts:
                counts[line.execution.state] += 1
        return {state: count for state, count in counts.items() if count}

    @property
    def waiting(self) -> Waiting | None:
        """Why the run waits, while it does."""
        waits = [line.waiting for line in self.executions if line.waiting]
        return waits[0] if waits and self.run.state == RunState.QUEUED else None

    @property
    def is_sweep(self) -> bool:
        """Whether scenarios ran at several levels of concurrency."""
        return len(self.run.concurrency) > 1

    @property
    def more_missing(self) -> bool:
        """Whether more is missing than the sentence names."""
        return len(self.run.missing) > SAID_IN_SENTENCE_MAX

    @property
    def noise(self) -> dict[str, str]:
        """The worst steal and foreign load any execution measured, in millionths as text; empty when none did."""
        worst: dict[str, str] = {}
        for name in ("steal_ppm", "foreign_load_ppm"):
            read = [figure.value for line in self.executions for figure in line.figures if figure.name == name]
            if read:
                worst[name] = max(read, key=float)
        return worst

    @property
    def opened_lines(self) -> tuple[ExecutionLine, ...]:
        """The executions that reported what they opened."""
        return tuple(line for line in self.executions if line.execution.opened)

    @property
    def unpassed_rules(self) -> tuple[RuleLine, ...]:
        """The rules somebody has to read: failed, without an answer, waived; worst first."""
        return tuple(line for line in self.rules if line.result.verdict != Verdict.PASS)

    @property
    def passed_rules(self) -> tuple[RuleLine, ...]:
        """The rules that hold."""
        return tuple(line for line in self.rules if line.result.verdict == Verdict.PASS)

    @property
    def rule_counts(self) -> dict[str, int]:
        """How many rules have which verdict, worst first."""
        counts = {verdict.value: 0 for verdict in FIRST_VERDICTS}
        for line in self.rules:
            counts[line.result.verdict] += 1
        return {verdict: count for verdict, count in counts.items() if count}


def read_run(*, run_id: int) -> RunView | None:
    """Read one run; None when there is no such run."""
    runs = Run.objects.select_related("build", "policy", "requested_by").defer("manifest", "policy__content")
    run = runs.filter(pk=run_id).first()
    if run is None:
        return None
    rules = _rule_lines(run)
    executions = _execution_lines(run)
    return RunView(
        run=run,
        gates=_gate_lines(run, rules),
        rules=rules,
        executions=executions,
        findings=tuple(sorted(run.findings.all(), key=_by_severity)),
        evidence=tuple(_evidence_of(run, executions)),
        now=timezone.now(),
    )


def _rule_lines(run: Run) -> tuple[RuleLine, ...]:
    known: Mapping[str, Rule] = all_rules()
    lines = []
    for result in sorted(run.rule_results.all(), key=_failing_first):
        rule = known.get(result.code)
        lines.append(RuleLine(result=result, help=rule.help if rule else "", where=rule.where if rule else ""))
    return tuple(lines)


def _failing_first(result: RuleResult) -> tuple[int, int, str]:
    return FIRST_VERDICTS.index(Verdict(result.verdict)), FIRST_SEVERITIES.index(result.severity), result.code


def _by_severity(finding: Finding) -> tuple[int, str]:
    return FIRST_SEVERITIES.index(finding.severity), finding.rule_code


def _gate_lines(run: Run, rules: Sequence[RuleLine]) -> tuple[GateLine, ...]:
    results: dict[str, GateResult] = {result.gate: result for result in run.gate_results.all()}
    lines = []
    for code in sorted(results) or SHIPPED_GATES:
        gate, result = GATES.get(code), results.get(code)
        of_gate = [line for line in rules if line.result.gate == code]
        worst = [line for line in of_gate if result and line.result.code == result.worst_rule]
        lines.append(
            GateLine(
                code=code,
                title=gate.title if gate else "",
                help=gate.help if gate else "",
                verdict=result.verdict if result else "",
                worst=worst[0] if worst and result and result.verdict != Verdict.PASS else None,
                rule_count=len(of_gate),
                failed_count=sum(line.result.verdict != Verdict.PASS for line in of_gate),
            )
        )
    return tuple(lines)


def _execution_lines(run: Run) -> tuple[ExecutionLine, ...]:
    attempts = Prefetch("attempts", queryset=Attempt.objects.order_by("number"))
    executions = list(run.executions.defer("samples").prefetch_related(attempts))
    for execution in executions:
        execution.run = run
    measured = _measured_in(run)
    waiting = waiting_of(executions=executions)
    lines = []
    for execution in executions:
        source = SOURCES.get(execution.scenario)
        lines.append(
            ExecutionLine(
                execution=execution,
                title=source.title if source else execution.scenario,
                help=source.help if source else "",
                attempts=tuple(
                    _attempt_line(attempt, measured.get(attempt.pk, ()), scenario_code=execution.scenario)
                    for attempt in execution.attempts.all()
                ),
                waiting=waiting.get(execution.pk),
            )
        )
    return tuple(lines)


def _measured_in(run: Run) -> Mapping[int, Sequence[tuple[str, str, str]]]:
    """Name, value and unit of every measurement, by attempt. As plain rows: a run has two hundred."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    rows = Measurement.objects.filter(attempt__execution__run=run).order_by("pk")
    for attempt_id, *figure in rows.values_list("attempt_id", "name", "value", "unit"):
        found.setdefault(attempt_id, []).append((figure[0], figure[1], figure[2]))
    return found


def _attempt_line(attempt: Attempt, measured: Sequence[tuple[str, str, str]], *, scenario_code: str) -> AttemptLine:
    source = SOURCES.get(scenario_code)
    helps = {spec.name: spec.help for spec in source.measures} if source else {}
    figures = tuple(
        Figure(name=name, value=value, unit=unit, help=helps.get(name, "")) for name, value, unit in measured
    )
    return AttemptLine(attempt=attempt, figures=figures)


def _evidence_of(run: Run, executions: Sequence[ExecutionLine]) -> Iterator[RunEvidence]:
    """What is of the run itself first, then by execution and attempt."""
    bindings: dict[int | None, list[RunEvidence]] = {}
    for binding in RunEvidence.objects.filter(run=run).select_related("evidence").order_by("role"):
        bindings.setdefault(binding.attempt_id, []).append(binding)
    yield from bindings.get(None, ())
    for line in executions:
        for attempt in line.attempts:
            for binding in bindings.get(attempt.attempt.pk, ()):
                binding.execution, binding.attempt = line.execution, attempt.attempt
                yield binding
