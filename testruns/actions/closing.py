"""Closing an attempt: evidence first, then state, measurements and audit entry in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from console.kernel import audit
from testruns.evidence import store, store_file
from testruns.models import Attempt, Evidence, Measurement, RunEvidence, ScenarioExecution
from testruns.run_states import ExecutionState
from testruns.wording import said_error

from .child import OUTPUT_NAME, STDERR_NAME
from .leases import ACTIVE_STATES, touch_run
from .limits import ERROR_TEXT_MAX
from .protocol import Conversation
from .scratch import attempt_directory
from .watching import Ending

JSON_LINES = "application/jsonl"
PLAIN_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptFiles:
    """The evidence of one attempt; None where there is none."""

    output: Evidence | None
    stderr: Evidence | None
    samples: Evidence | None

    def by_role(self) -> dict[str, Evidence]:
        """What there is, by its role."""
        roles = {"output": self.output, "stderr": self.stderr, "samples": self.samples}
        return {role: evidence for role, evidence in roles.items() if evidence is not None}


def close_execution(
    *,
    execution: ScenarioExecution,
    owner: str,
    ending: Ending,
    conversation: Conversation | None = None,
    points: list[dict[str, int]] | None = None,
) -> bool:
    """End an execution that `owner` holds the lease of, with its attempt if it had begun.

    False: the lease is not `owner`'s any more, and nothing but evidence files was written. `conversation` is what the
    child said; without it (the worker is gone) only its files speak.
    """
    attempt = execution.attempts.filter(number=execution.attempt_count, finished_at__isnull=True).first()
    files = _keep_files(execution, attempt, conversation) if attempt else None
    with transaction.atomic():
        if not _end_execution(execution, owner, ending, conversation, points):
            return False
        if attempt and files:
            _end_attempt(attempt, ending, conversation, files)
        audit.record(
            actor=None,
            act="execution.end",
            object=f"execution:{execution.pk}",
            before={"state": execution.state},
            after={
                "state": ending.state.value,
                "error": said_error(template=ending.error, params=ending.params)[:200],
                "attempt": execution.attempt_count,
            },
        )
        touch_run(run_id=execution.run_id)
    return True


def _end_execution(
    execution: ScenarioExecution,
    owner: str,
    ending: Ending,
    conversation: Conversation | None,
    points: list[dict[str, int]] | None,
) -> bool:
    now = timezone.now()
    changes: dict[str, Any] = {
        "state": ending.state.value,
        "error": ending.error[:ERROR_TEXT_MAX],
        "error_params": dict(ending.params),
        "finished_at": now,
        "changed_at": now,
        "pid": None,
        "pid_started_ticks": None,
    }
    if conversation is not None:
        changes |= {
            "progress_ppm": 1_000_000 if ending.state is ExecutionState.FINISHED else conversation.progress_ppm,
            "progress_text": conversation.progress_text,
            "opened": conversation.opened,
            "journal_head": conversation.journal_head,
            "samples": points or [],
        }
    mine = ScenarioExecution.objects.filter(pk=execution.pk, lease_owner=owner, state__in=ACTIVE_STATES)
    return bool(mine.update(**changes))


def _end_attempt(attempt: Attempt, ending: Ending, conversation: Conversation | None, files: AttemptFiles) -> None:
    if conversation is not None:
        Measurement.objects.bulk_create(
            Measurement(attempt=attempt, name=one.name, value=one.value, unit=one.unit)
            for one in conversation.readings.values()
        )
    attempt.state = ending.state.value
    attempt.error, attempt.error_params = ending.error[:ERROR_TEXT_MAX], dict(ending.params)
    attempt.exit_code = ending.exit_code
    attempt.finished_at = max(timezone.now(), attempt.started_at)  # the machine's clock may have been set back
    attempt.output, attempt.stderr, attempt.samples = files.output, files.stderr, files.samples
    attempt.save()
    RunEvidence.objects.bulk_create(
        RunEvidence(
            run_id=attempt.execution.run_id, execution=attempt.execution, attempt=attempt, role=role, evidence=evidence
        )
        for role, evidence in files.by_role().items()
    )


def _keep_files(execution: ScenarioExecution, attempt: Attempt, conversation: Conversation | None) -> AttemptFiles:
    directory = attempt_directory(execution=execution, number=attempt.number)
    samples = conversation.samples if conversation else []
    lines = "".join(json.dumps(sample, sort_keys=True, separators=(",", ":")) + "\n" for sample in samples)
    return AttemptFiles(
        output=_keep(directory / OUTPUT_NAME, media_type=JSON_LINES),
        stderr=_keep(directory / STDERR_NAME, media_type=PLAIN_TEXT),
        samples=store(content=lines.encode(), media_type=JSON_LINES) if lines else None,
    )


def _keep(path: Path, *, media_type: str) -> Evidence | None:
    """The file as evidence, None when it was never written to."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    return store_file(path=path, media_type=media_type)
