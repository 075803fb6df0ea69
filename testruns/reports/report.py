"""A judged run as a report sees it: rows and evidence, read once and not yet in any language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch
from django.utils import timezone

from console.kernel import audit
from testruns.gates.policy import Policy, from_json
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
from testruns.reports.accounts import Accounts, accounts_of
from testruns.sources import SOURCES

SEVERITIES = ("critical", "major", "warning")


@dataclass(frozen=True, kw_only=True)
class ReportExecution:
    """One scenario execution with the measurements of its latest attempt."""

    row: ScenarioExecution
    title: str
    attempts: tuple[Attempt, ...]
    measurements: Mapping[str, Measurement]
    accounts: Accounts

    @property
    def last(self) -> Attempt | None:
        """The latest attempt, None when there was none."""
        return self.attempts[-1] if self.attempts else None

    @property
    def seconds(self) -> Decimal | None:
        """How long the latest attempt took, to the millisecond; None when it never started or never ended."""
        last = self.last
        if last is None or last.finished_at is None:
            return None
        milliseconds = round((last.finished_at - last.started_at).total_seconds() * 1000)
        return Decimal(milliseconds).scaleb(-3)

    @property
    def rss_bytes_max(self) -> int | None:
        """The largest anonymous memory seen in the samples; None without samples."""
        return max(
            (sample["rss_anon_bytes"] for sample in self.row.samples if "rss_anon_bytes" in sample), default=None
        )

    def value(self, name: str) -> Decimal | None:
        """A measurement's value, None when it was not measured."""
        measurement = self.measurements.get(name)
        return None if measurement is None else measurement.decimal


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything the reports of one run say. rules by their codes, findings with the critical ones first."""

    run: Run
    policy: Policy
    executions: tuple[ReportExecution, ...]
    gates: tuple[GateResult, ...]
    rules: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    evidence: tuple[RunEvidence, ...]
    audit_head: audit.Head
    generated_at: datetime

    @property
    def is_import(self) -> bool:
        """Whether these are results from elsewhere: nothing ran here."""
        return self.run.profile == IMPORT_PROFILE

    @property
    def tester(self) -> str:
        """The printed name of the person who asked for the run; empty when nobody stands behind it."""
        person = self.run.requested_by
        return "" if person is None else (person.printed_name or person.get_username())

    @property
    def branch(self) -> str | None:
        """The Git branch, None when it was not recorded."""
        build = self.run.environment.get("build")
        return (build.get("branch") or None) if isinstance(build, dict) else None

    @property
    def opened(self) -> Mapping[str, frozenset[str]] | None:
        """The files and sockets the run's processes were seen to have open; None when no execution reported them."""
        reported = [execution.row.opened for execution in self.executions if execution.row.opened]
        if not reported:
            return None
        return {
            kind: frozenset(name for opened in reported for name in opened.get(kind, ()))
            for kind in ("files", "sockets")
        }

    def rule(self, code: str) -> RuleResult | None:
        """The result of one rule, None when the policy does not have it."""
        return next((rule for rule in self.rules if rule.code == code), None)

    def executions_of(self, scenario: str) -> list[ReportExecution]:
        """The executions of a scenario, several in a sweep; none when it was not requested."""
        return [execution for execution in self.executions if execution.row.scenario == scenario]


def build_report(*, run: Run) -> Report:
    """Read everything a report says about a judged run. Raises ValueError for a run without a recommendation."""
    if not run.recommendation:
        raise ValueError(f"run {run.pk} is not judged, there is nothing to report")
    attempts = Attempt.objects.order_by("number").prefetch_related("measurements")
    executions = run.executions.order_by("position").prefetch_related(Prefetch("attempts", queryset=attempts))
    findings = sorted(run.findings.all(), key=lambda finding: (SEVERITIES.index(finding.severity), finding.rule_code))
    evidence = run.evidence.select_related("evidence", "execution", "attempt").order_by("id")
    return Report(
        run=run,
        policy=from_json(run.policy.content),
        executions=tuple(_execution(row) for row in executions),
        gates=tuple(run.gate_results.order_by("gate")),
        rules=tuple(run.rule_results.order_by("code")),
        findings=tuple(findings),
        evidence=tuple(evidence),
        audit_head=audit.head(),
        generated_at=timezone.now(),
    )


def start_command(run: Run) -> str:
    """The command that makes a run with the same plan."""
    parts = ["python manage.py run_live_tests"]
    if run.profile == "own":
        parts += [f"--scenario {scenario}" for scenario in run.scenarios]
        parts.append(f"--duration {run.duration_seconds}")
    else:
        parts.append("--full" if run.profile == "full" else f"--profile {run.profile}")
    parts.append(f"--concurrency {','.join(str(level) for level in run.concurrency)}")
    parts.append(f"--seed {run.seed}")
    if not run.retry_injection:
        parts.append("--no-retry-injection")
    if run.karma_available:
        parts.append("--karma")
    if not run.anomaly_injection:
        parts.append("--no-anomaly-injection")
    return " ".join(parts)


def expected_of(rule: RuleResult) -> dict[str, str]:
    """What a rule expects, as a quantity `testruns.wording` can say."""
    return {"value": rule.expected, "unit": rule.unit, "operator": rule.operator}


def _execution(row: ScenarioExecution) -> ReportExecution:
    attempts = tuple(row.attempts.all())
    latest = attempts[-1].measurements.all() if attempts else ()
    source = SOURCES.get(row.scenario)
    return ReportExecution(
        row=row,
        title=source.title if source else row.scenario,
        attempts=attempts,
        measurements={measurement.name: measurement for measurement in latest},
        accounts=accounts_of(attempts[-1] if attempts else None),
    )
