"""What a reader's copy of a run is compared with, in one or two small queries."""

from __future__ import annotations

from django.http import Http404

from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState, RunState

_OPEN = [state.value for state in ExecutionState if not state.is_terminal]


def run_token(*, run_id: int) -> str:
    """The run's version; for a waiting run also how many wait before it. Http404.

    One query, two for a run that waits.
    """
    row = Run.objects.filter(pk=run_id).values_list("version", "state").first()
    if row is None:
        raise Http404
    version, state = row
    return f"{version}.{_waiting_before(run_id)}" if state == RunState.QUEUED else f"{version}"


def _waiting_before(run_id: int) -> int:
    """How many executions of earlier runs are not at their end."""
    return ScenarioExecution.objects.filter(run_id__lt=run_id, state__in=_OPEN).count()
