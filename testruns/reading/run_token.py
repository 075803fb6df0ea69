"""What a reader's copy of a run is compared with, in one or two small queries."""

from __future__ import annotations

from django.db import connection
from django.http import Http404

from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState, RunState

_VERSION = "SELECT version, state FROM testruns_run WHERE id = %s"
_NUMBER_MAX = 2**63 - 1
_OPEN = [state.value for state in ExecutionState if not state.is_terminal]


def run_token(*, run_id: int) -> str:
    """The run's version; for a waiting run also how many wait before it. Http404.

    One query, two for a run that waits.
    """
    version, state = _version_of(run_id)
    return f"{version}.{_waiting_before(run_id)}" if state == RunState.QUEUED else f"{version}"


def _version_of(run_id: int) -> tuple[int, str]:
    """Version and state. Written as SQL, because every reader's every look begins here, and composing it costs more
    than asking."""
    if run_id > _NUMBER_MAX:
        raise Http404
    with connection.cursor() as cursor:
        cursor.execute(_VERSION, [run_id])
        row = cursor.fetchone()
    if row is None:
        raise Http404
    return row[0], row[1]


def _waiting_before(run_id: int) -> int:
    """How many executions of earlier runs are not at their end."""
    return ScenarioExecution.objects.filter(run_id__lt=run_id, state__in=_OPEN).count()
