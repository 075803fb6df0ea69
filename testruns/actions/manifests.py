"""The run manifest, filled from rows: everything a run rests on, by digest."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger import canonical_bytes
from testruns.manifest import ManifestAttempt, run_manifest
from testruns.models import Attempt, Run
from testruns.run_states import ExecutionState

from .requesting import plan_of


def manifest_of(run: Run) -> tuple[str, str]:
    """The canonical JSON text of a run's manifest and its SHA-256. The results must have been written before."""
    content = run_manifest(
        run=run.pk,
        build={
            "name": run.build.name,
            "commit": run.build.commit,
            "tree_digest": run.build.tree_digest,
            "is_clean": run.build.is_clean,
        },
        plan=plan_of(run).as_json(),
        policy_digest=run.policy.digest,
        environment=run.environment,
        attempts=[_attempt(attempt) for attempt in _attempts(run)],
        gates=dict(run.gate_results.values_list("gate", "verdict")),
        rules={result["code"]: result for result in _rules(run)},
        recommendation=run.recommendation,
    )
    text = canonical_bytes(content)
    return text.decode(), hashlib.sha256(text).hexdigest()


def _attempts(run: Run) -> list[Attempt]:
    attempts = Attempt.objects.filter(execution__run=run).select_related("execution").defer("execution__samples")
    return list(attempts.prefetch_related("measurements", "evidence").order_by("execution__position", "number"))


def _attempt(attempt: Attempt) -> ManifestAttempt:
    execution = attempt.execution
    is_last = attempt.number == execution.attempt_count and attempt.state == ExecutionState.FINISHED.value
    return ManifestAttempt(
        scenario=execution.scenario,
        concurrency=execution.concurrency,
        number=attempt.number,
        state=attempt.state,
        evidence={one.role: one.evidence_id for one in attempt.evidence.all()},
        measurements={one.name: (one.value, one.unit) for one in attempt.measurements.all()},
        journal_head=execution.journal_head if is_last else None,
    )


def _rules(run: Run) -> list[dict[str, Any]]:
    return [dict(result) for result in run.rule_results.values("code", "verdict", "actual", "sources")]
