"""A run as API clients read it: one document, the same from every address that answers with a run.

A key whose value is not known is left out. Figures are decimal text, exactly as measured; times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from testruns.models import Attempt, Finding, Run, RunEvidence
from testruns.reading import (
    HEAD_COLUMNS,
    ExecutionLine,
    RunView,
    Waiting,
    gates_of,
    head_rows,
    progress_of,
    progress_ppm_of,
)
from testruns.reading.run_view import GateLine
from testruns.reports.json_report import rule_object
from testruns.reports.words import error, say
from testruns.run_states import ExecutionState


def run_line(run: Run) -> dict[str, Any]:
    """The line of one run read by `testruns.reading.listed_runs`."""
    gates = [{"gate": result.gate, "verdict": result.verdict} for result in run.gate_results.all()]
    return head_of(_row_of(run)) | {"progress_ppm": progress_ppm_of(run), "gates": gates}


def run_lines(numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The lines of these runs, in their order. Three queries."""
    rows = {row.pk: row for row in head_rows(numbers)}
    gates, progress = gates_of(numbers), progress_of(numbers)
    return [
        head_of(rows[number])
        | {
            "progress_ppm": progress.get(number, 0),
            "gates": [{"gate": gate, "verdict": verdict} for gate, verdict in gates.get(number, ())],
        }
        for number in numbers
    ]


def document_of(view: RunView) -> dict[str, Any]:
    """Everything about one run, its texts in the active language."""
    run = view.run
    return head_of(_row_of(run)) | told(
        sentence=say(run.sentence, run.sentence_params),
        missing=[say(text["template"], text.get("params")) for text in run.missing],
        policy={"code": run.policy.code, "number": run.policy.number, "digest": run.policy.digest},
        retry_injection=run.retry_injection,
        karma_available=run.karma_available,
        anomaly_injection=run.anomaly_injection,
        planned_seconds=run.planned_seconds,
        progress_ppm=view.progress_ppm,
        remaining_seconds=view.remaining_seconds,
        waiting=_waiting(view.waiting),
        gates=[_gate(line) for line in view.gates],
        rules=[told(**rule_object(line.result)) for line in view.rules],
        executions=[_execution(line) for line in view.executions],
        findings=[_finding(finding) for finding in view.findings],
        environment=run.environment,
        evidence=[_evidence(binding) for binding in view.evidence],
        manifest_digest=run.manifest_digest,
    )


def told(**values: Any) -> dict[str, Any]:
    """The values that are known: neither None nor an empty text."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def moment(value: datetime | None) -> str | None:
    """A time in RFC 3339, UTC."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def head_of(row: Any) -> dict[str, Any]:
    """What is said of a run everywhere; `row` has the attributes HEAD_COLUMNS."""
    return told(
        run=row.pk,
        url=f"{_address_of_runs()}{row.pk}/",
        state=row.state,
        recommendation=row.recommendation,
        is_provisional=bool(row.recommendation) and row.frozen_at is None,
        profile=row.profile,
        scenarios=row.scenarios,
        concurrency=row.concurrency,
        duration_seconds=row.duration_seconds,
        seed=row.seed,
        build=told(
            name=row.build__name,
            commit=row.build__commit,
            tree_digest=row.build__tree_digest,
            is_clean=row.build__is_clean,
        ),
        requested_by=row.requested_by__username,
        via=row.via,
        requested_at=moment(row.requested_at),
        started_at=moment(row.started_at),
        finished_at=moment(row.finished_at),
    )


@cache
def _address_of_runs() -> str:
    return reverse("api-runs")


def _row_of(run: Run) -> SimpleNamespace:
    """The run as `head_rows` would give it."""
    row = SimpleNamespace(**{name: getattr(run, name) for name in HEAD_COLUMNS if "__" not in name})
    for name in ("name", "commit", "tree_digest", "is_clean"):
        setattr(row, f"build__{name}", getattr(run.build, name))
    row.requested_by__username = run.requested_by.get_username() if run.requested_by else None
    return row


def _waiting(waiting: Waiting | None) -> dict[str, Any] | None:
    return None if waiting is None else {"position": waiting.position, "reason": waiting.reason}


def _gate(line: GateLine) -> dict[str, Any]:
    return told(
        gate=line.code,
        title=_(line.title) if line.title else None,
        verdict=line.verdict,
        worst_rule=line.worst.result.code if line.worst else None,
        rules=line.rule_count,
        held=line.held_count,
    )


def _execution(line: ExecutionLine) -> dict[str, Any]:
    row = line.execution
    return told(
        execution=row.pk,
        scenario=row.scenario,
        title=_(line.title),
        concurrency=row.concurrency,
        state=row.state,
        verdict=row.verdict,
        progress_ppm=row.progress_ppm,
        progress=row.progress_text,
        planned_seconds=row.planned_seconds,
        waiting=_waiting(line.waiting),
        error=error(row),
        may_be_attempted_again=ExecutionState(row.state).may_be_attempted_again and not row.run.is_frozen,
        attempts=[_attempt(one.attempt) for one in line.attempts],
        measurements=[{"name": one.name, "value": one.value, "unit": one.unit} for one in line.figures],
        journal_head=row.journal_head,
        samples_url=reverse("api-samples", args=[row.run_id, row.pk]),
    )


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return told(
        number=attempt.number,
        state=attempt.state,
        started_at=moment(attempt.started_at),
        finished_at=moment(attempt.finished_at),
        exit_code=attempt.exit_code,
        error=error(attempt),
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return told(
        rule=finding.rule_code if finding.is_of_a_rule else None,
        severity=finding.severity,
        what=say(finding.what, finding.what_params),
        impact=_(finding.impact) if finding.impact else None,
        where=_(finding.where) if finding.where else None,
    )


def _evidence(binding: RunEvidence) -> dict[str, Any]:
    evidence = binding.evidence
    return told(
        digest=evidence.digest,
        url=reverse("api-evidence", args=[evidence.digest]),
        role=binding.role,
        scenario=binding.execution.scenario if binding.execution else None,
        concurrency=binding.execution.concurrency if binding.execution else None,
        attempt=binding.attempt.number if binding.attempt else None,
        size=evidence.size,
        media_type=evidence.media_type,
    )
