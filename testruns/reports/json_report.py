"""The report for machines: the fields of the seeds' report and everything the other formats say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext, override

from testruns.gates.registry import GATES
from testruns.models import RuleResult
from testruns.reports.appendices import metrics_of
from testruns.reports.assessment import PENDING
from testruns.reports.report import Report, ReportExecution, start_command
from testruns.reports.words import say
from testruns.wording import said_error

FORMAT: Final = 1
UNITS: Final = {
    "duration": "s",
    "throughput": "operations/s",
    "p95_latency": "ms",
    "errors": "count",
    "accounts": "micro-credits",
}
INVARIANT_GATES: Final = ("A", "B")
SEATS: Final = ("test engineer", "tester", "reviewer", "supervisor")


def json_of(*, report: Report, language: str) -> bytes:
    """The report as JSON in UTF-8. What was not measured is null. Only sentences are in `language`."""
    with override(language):
        return json.dumps(_content(report), indent=2, ensure_ascii=False).encode() + b"\n"


def _content(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "format": FORMAT,
        "run": run.pk,
        "state": run.state,
        "provisional": run.is_provisional,
        "timestamp": _time(run.finished_at),
        "generated_at": _time(report.generated_at),
        "branch": report.branch,
        "commit": run.build.commit or None,
        "build": {
            "name": run.build.name,
            "commit": run.build.commit or None,
            "tree_digest": run.build.tree_digest,
            "is_clean": run.build.is_clean,
        },
        "tester": report.tester or None,
        "via": run.via,
        "test_config": _test_config(report),
        "overall_status": run.recommendation,
        "recommendation": say(run.sentence, run.sentence_params),
        "missing": [say(text["template"], text.get("params")) for text in run.missing],
        "policy": {"code": report.policy.code, "number": report.policy.number, "digest": run.policy.digest},
        "gates": _gates(report),
        "rules": [rule_object(rule) for rule in report.rules],
        "scenarios": [_scenario(report, execution) for execution in report.executions],
        "units": UNITS,
        "findings": _findings(report),
        "environment": run.environment,
        "opened": {kind: sorted(names) for kind, names in (report.opened or {}).items()} or None,
        "evidence": _evidence(report),
        "manifest_digest": run.manifest_digest,
        "audit_chain": {"index": report.audit_head.index, "hash": report.audit_head.hash},
        "sign_offs": []
        if report.is_import
        else [{"role": seat, "name": None, "date": None, "status": PENDING} for seat in SEATS],
    }


def _test_config(report: Report) -> dict[str, Any]:
    run, values = report.run, report.policy.values
    if report.is_import:
        return {"profile": run.profile, "scenarios": list(run.scenarios)}
    return {
        "profile": run.profile,
        "scenarios": list(run.scenarios),
        "concurrency": list(run.concurrency),
        "duration_seconds": run.duration_seconds,
        "soak_seconds_required": values.soak_seconds,
        "warmup_seconds": values.warmup_seconds,
        "offered_rate": values.offered_rate,
        "seed": run.seed,
        "retry_injection": run.retry_injection,
        "karma_available": run.karma_available,
        "anomaly_injection": run.anomaly_injection,
        "command": start_command(run),
    }


def _gates(report: Report) -> dict[str, Any]:
    return {
        result.gate: {
            "title": gettext(GATES[result.gate].title) if result.gate in GATES else None,
            "verdict": result.verdict,
            "worst_rule": result.worst_rule or None,
        }
        for result in report.gates
    }


def rule_object(rule: RuleResult) -> dict[str, Any]:
    """A judged rule in the active language. Figures stay the exact digits they were judged with."""
    return {
        "code": rule.code,
        "gate": rule.gate,
        "severity": rule.severity,
        "verdict": rule.verdict,
        "question": gettext(rule.question),
        "operator": rule.operator,
        "expected": rule.expected,
        "blocking": rule.blocking or None,
        "actual": rule.actual or None,
        "margin": rule.margin or None,
        "unit": rule.unit,
        "is_blocking": rule.is_blocking,
        "reason": say(rule.reason, rule.reason_params),
        "sources": [{**source, "reason": _source_reason(source)} for source in rule.sources],
    }


def _source_reason(source: dict[str, Any]) -> str:
    reason = source.get("reason") or {}
    return say(reason.get("template", ""), reason.get("params"))


def _scenario(report: Report, execution: ReportExecution) -> dict[str, Any]:
    row = execution.row
    p95 = execution.value("p95_us")
    return {
        "name": gettext(execution.title),
        "code": row.scenario,
        "concurrency": row.concurrency,
        "status": row.verdict or None,
        "state": row.state,
        "attempts": len(execution.attempts),
        "duration": _number(execution.seconds),
        "throughput": _number(execution.value("operations_per_second")),
        "p95_latency": _number(None if p95 is None else p95 / 1000),
        "errors": _number(execution.value("errors")),
        "error": said_error(template=row.error, params=row.error_params) or None,
        "rss_bytes_max": execution.rss_bytes_max,
        "metrics": metrics_of(execution),
        "accounts": [asdict(account) for account in execution.accounts.told],
        "invariants_passed": _invariants_passed(report, execution),
        "journal_head": row.journal_head,
    }


def _invariants_passed(report: Report, execution: ReportExecution) -> bool | None:
    """Whether gates A and B hold in this execution: true only when all their readings passed, null when one is open."""
    verdicts = {
        source["verdict"]
        for rule in report.rules
        if rule.gate in INVARIANT_GATES
        for source in rule.sources
        if (source["scenario"], source["concurrency"]) == (execution.row.scenario, execution.row.concurrency)
    }
    if "FAIL" in verdicts:
        return False
    return True if verdicts == {"PASS"} else None


def _findings(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "rule": finding.rule_code,
            "severity": finding.severity,
            "what": say(finding.what, finding.what_params),
            "impact": gettext(finding.impact) if finding.impact else None,
            "where": gettext(finding.where) if finding.where else None,
        }
        for finding in report.findings
    ]


def _evidence(report: Report) -> Iterable[dict[str, Any]]:
    return [
        {
            "scenario": bound.execution.scenario if bound.execution else None,
            "concurrency": bound.execution.concurrency if bound.execution else None,
            "attempt": bound.attempt.number if bound.attempt else None,
            "role": bound.role,
            "digest": bound.evidence.digest,
            "size": bound.evidence.size,
            "media_type": bound.evidence.media_type,
        }
        for bound in report.evidence
    ]


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _number(value: Decimal | None) -> int | float | None:
    """A JSON number; the exact digits stand in `metrics`. Not a number and infinity, which JSON has not, are null."""
    if value is None or not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)
