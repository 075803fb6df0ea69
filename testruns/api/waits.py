"""Waiting for a run: the request is answered when its state or its recommendation changes."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from console.kernel.api import waiters
from console.kernel.api.pagination import invalid, single
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns.api.answers import run_answer
from testruns.api.schemas import RunDocument
from testruns.models import Run
from testruns.reading import ACTIVE

TIMEOUT = {"type": "integer", "minimum": 0, "maximum": waiters.WAIT_SECONDS_MAX, "default": waiters.WAIT_SECONDS_MAX}


class RunWaitView(ApiView):
    """Waiting for one run."""

    scope = Scope.RUNS_READ
    parameters = frozenset({"timeout"})

    @extend_schema(
        summary="Wait for a run",
        parameters=[OpenApiParameter("timeout", TIMEOUT, OpenApiParameter.QUERY, description="Seconds.")],
        responses=RunDocument,
    )
    def get(self, request: Request, run_id: int) -> HttpResponse:
        """The run, as soon as its state or recommendation changes; at once when it is over, else after the timeout.

        503 with Retry-After when as many wait as may.
        """
        seconds = _timeout(request)
        before = _state_of(run_id)
        if before[0] in ACTIVE and seconds:
            with waiters.slot():
                waiters.until(lambda: _state_of(run_id) != before or None, timeout_seconds=seconds)
        return run_answer(run_id=run_id)


def _state_of(run_id: int) -> tuple[str, str]:
    row = Run.objects.filter(pk=run_id).values_list("state", "recommendation").first()
    if row is None:
        raise Http404
    return row


def _timeout(request: Request) -> int:
    given = single(request, "timeout")
    if given is None:
        return waiters.WAIT_SECONDS_MAX
    is_number = given.isascii() and given.isdigit() and len(given) <= 3
    if not is_number or int(given) > waiters.WAIT_SECONDS_MAX:
        raise invalid("timeout", f"0 to {waiters.WAIT_SECONDS_MAX}")
    return int(given)
