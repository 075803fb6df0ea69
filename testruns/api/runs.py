"""Runs: ask for one, list them, read one, cancel, attempt again, run again."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.caching import etag_of, unless_known
from console.kernel.api.idempotency import idempotent
from console.kernel.api.pagination import Filter, instant, integer, one_of, text
from console.kernel.api.parsing import StrictSerializer, parsed
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns import actions
from testruns.api.answers import document_bytes, run_answer
from testruns.api.documents import run_lines
from testruns.api.plan_body import PlanBody, plan_of
from testruns.api.schemas import RunDocument, RunPage
from testruns.models import Run, ScenarioExecution
from testruns.plan import IMPORT_PROFILE, OWN_PROFILE, PROFILES
from testruns.reading import run_token
from testruns.recommendation import Recommendation
from testruns.run_states import RunState

_COMMIT = re.compile(r"[0-9a-f]{4,64}")


def _commit(given: str) -> str:
    if not _COMMIT.fullmatch(given):
        raise ValueError(_("it is the beginning of a commit: 4 to 64 hex digits in lower case"))
    return given


class NoBody(StrictSerializer):
    """An act that needs no values: `{}`."""


class RunsView(ApiView):
    """All runs."""

    scope = {"GET": Scope.RUNS_READ, "POST": Scope.RUNS_WRITE}
    orderings = {"run": "pk", "requested_at": "requested_at"}
    filters: ClassVar[dict[str, Filter]] = {
        "state": one_of("state", *(state.value for state in RunState)),
        "recommendation": one_of("recommendation", *(word.value for word in Recommendation)),
        "profile": one_of("profile", *PROFILES, OWN_PROFILE, IMPORT_PROFILE),
        "commit": Filter(lookup="build__commit__startswith", parse=_commit, about="A Git commit or its beginning."),
        "build": text("build__name", about="The name of the build."),
        "requested_by": text("requested_by__username", about="The user name of a person."),
        "seed": integer("seed"),
        "since": instant("requested_at__gte", about="Requested then or later."),
        "until": instant("requested_at__lt", about="Requested before then."),
    }

    @extend_schema(
        summary="List runs",
        responses=RunPage,
        examples=[OpenApiExample("finished", parameter_only=("state", "query"), value="JUDGED")],
    )
    def get(self, request: Request) -> Response:
        """The newest runs first, with the verdicts of their gates."""
        numbers = Run.objects.values_list("pk", "requested_at", named=True)  # sorting whole rows would take their size
        answer = self.page(request, numbers, serialize=attrgetter("pk"))
        answer.data["results"] = run_lines(answer.data["results"])
        return answer

    def prepare(self, request: Request) -> None:
        """What takes long or is refused before anything is written."""
        values = parsed(request, PlanBody)
        self.commit = values.pop("commit", "")
        self.plan = plan_of(values)
        self.site = actions.read_site()

    @extend_schema(
        summary="Request a run",
        request=PlanBody,
        responses={202: OpenApiResponse(RunDocument, description="Why it waits, and where, stands in `waiting`.")},
        examples=[
            OpenApiExample("the quick run", value={}, request_only=True),
            OpenApiExample(
                "own values",
                value={"profile": "own", "duration_seconds": 10, "scenarios": ["credit_storm"], "concurrency": [10]},
                request_only=True,
            ),
        ],
    )
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Queue a run of the build that is installed here; what is left out has the defaults of the console's form.

        409 other-build when `commit` names another one: nothing is queued then.
        """
        run = actions.request_run(actor=self.actor(request), plan=self.plan, site=self.site, commit=self.commit)
        return _accepted(request, run.pk)


class RunView(ApiView):
    """One run."""

    scope = Scope.RUNS_READ

    @extend_schema(summary="Read a run", responses={200: RunDocument, 304: None})
    def get(self, request: Request, run_id: int) -> HttpResponseBase:
        """Gates, rules with their margins, executions, findings, environment and evidence."""
        token = run_token(run_id=run_id)

        def answer() -> HttpResponse:
            return HttpResponse(document_bytes(run_id=run_id, token=token), content_type="application/json")

        return unless_known(request, etag=etag_of("run", run_id, token), answer=answer)


class _ActView(ApiView):
    """An act on a run that needs no values."""

    scope = Scope.RUNS_WRITE

    def prepare(self, request: Request, run_id: int, execution_id: int = 0) -> None:
        """Refuse a body with fields, and an execution that is not of the run."""
        parsed(request, NoBody)
        rows = ScenarioExecution.objects.filter(pk=execution_id, run_id=run_id)
        if execution_id and not rows.exists():
            raise Http404


def _act(summary: str) -> Callable[[Any], Any]:
    return extend_schema(summary=summary, request=NoBody, responses={202: RunDocument})


class CancelRunView(_ActView):
    """Cancelling a run."""

    @_act("Cancel a run")
    @idempotent
    def post(self, request: Request, run_id: int) -> HttpResponse:
        """What waits is cancelled at once, what works stops within a second. 409 run-over when nothing is left."""
        actions.cancel_run(actor=self.actor(request), run_id=run_id)
        return run_answer(run_id=run_id, status=202)


class AttemptRunAgainView(_ActView):
    """Attempting again what of a run ended without finishing."""

    @_act("Attempt again what did not finish")
    @idempotent
    def post(self, request: Request, run_id: int) -> HttpResponse:
        """Every scenario that crashed, was cancelled or abandoned is queued again; earlier attempts stay.

        409 run-frozen for a run that was cancelled as a whole, or is closed otherwise: run it again instead.
        """
        actions.attempt_run_again(actor=self.actor(request), run_id=run_id)
        return run_answer(run_id=run_id, status=202)


class RunAgainView(_ActView):
    """Another run with the same values."""

    def prepare(self, request: Request, run_id: int, execution_id: int = 0) -> None:
        """What takes long or is refused before anything is written."""
        super().prepare(request, run_id)
        self.site = actions.read_site()

    @_act("Run again")
    @idempotent
    def post(self, request: Request, run_id: int) -> HttpResponse:
        """Another run with the plan and the seed of this one, of the build that is installed now."""
        return _accepted(request, actions.run_again(actor=self.actor(request), run_id=run_id, site=self.site).pk)


class CancelExecutionView(_ActView):
    """Cancelling one scenario of a run."""

    @_act("Cancel one scenario")
    @idempotent
    def post(self, request: Request, run_id: int, execution_id: int) -> HttpResponse:
        """As for a whole run. 409 execution-over when it has ended."""
        actions.cancel_execution(actor=self.actor(request), execution_id=execution_id)
        return run_answer(run_id=run_id, status=202)


class AttemptExecutionAgainView(_ActView):
    """Attempting one scenario again."""

    @_act("Attempt one scenario again")
    @idempotent
    def post(self, request: Request, run_id: int, execution_id: int) -> HttpResponse:
        """As for a whole run. 409 not-to-be-attempted-again for one that finished, waits or works."""
        actions.attempt_again(actor=self.actor(request), execution_id=execution_id)
        return run_answer(run_id=run_id, status=202)


def _accepted(request: Request, run_id: int) -> HttpResponse:
    location = request.build_absolute_uri(reverse("api-run", args=[run_id]))
    return run_answer(run_id=run_id, status=202, headers={"Location": location})
