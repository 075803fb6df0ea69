"""The reports of a judged run and its manifest."""

from __future__ import annotations

from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from console.kernel.api.caching import unless_known
from console.kernel.api.pagination import invalid, single
from console.kernel.api.problems import Problem
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns import reports
from testruns.api.attachments import attachment
from testruns.models import Run


class ReportView(ApiView):
    """A report of one run."""

    scope = Scope.RUNS_READ
    parameters = frozenset({"format", "language"})

    @extend_schema(
        summary="Report of a run",
        parameters=[
            OpenApiParameter("format", str, OpenApiParameter.QUERY, enum=reports.KINDS, default="json"),
            OpenApiParameter("language", str, OpenApiParameter.QUERY, enum=reports.LANGUAGES),
        ],
        responses={
            (200, one.media_type.partition(";")[0]): OpenApiTypes.OBJECT if kind == "json" else OpenApiTypes.STR
            for kind, one in reports.FORMATS.items()
        },
    )
    def get(self, request: Request, run_id: int) -> HttpResponse:
        """In the language asked for, else in that of Accept-Language. 409 run-not-judged while there is none."""
        kind = _one_of(request, "format", reports.KINDS) or "json"
        own = (get_language() or "en")[:2]
        language = _one_of(request, "language", reports.LANGUAGES) or (own if own in reports.LANGUAGES else "en")
        run = Run.objects.select_related("build", "policy", "requested_by").filter(pk=run_id).first()
        if run is None:
            raise Http404
        if not run.recommendation:
            raise not_judged(run_id)
        run_url = request.build_absolute_uri(reverse("admin:testruns_run_change", args=[run_id]))
        file = reports.file_of(run=run, kind=kind, language=language, run_url=run_url)
        return attachment(file.content, media_type=file.media_type, name=file.name)


class ManifestView(ApiView):
    """The manifest of one run."""

    scope = Scope.EVIDENCE_READ

    @extend_schema(
        summary="Manifest of a run",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="Canonical JSON."), 304: None},
    )
    def get(self, request: Request, run_id: int) -> HttpResponseBase:
        """The exact bytes whose SHA-256 is the run's `manifest_digest`."""
        row = Run.objects.filter(pk=run_id).values_list("manifest", "manifest_digest").first()
        if row is None:
            raise Http404
        text, digest = row
        if not text:
            raise not_judged(run_id)
        name = f"gatehouse-run-{run_id}-manifest.json"
        return unless_known(
            request,
            etag=f'"{digest}"',
            answer=lambda: attachment(text.encode(), media_type="application/json", name=name),
        )


def not_judged(run_id: int) -> Problem:
    """There is nothing to report about a run before it is judged."""
    return Problem("run-not-judged", 409, _("Run %(run)s is not judged; wait until it is over.") % {"run": run_id})


def _one_of(request: Request, name: str, choices: tuple[str, ...]) -> str | None:
    given = single(request, name)
    if given is not None and given not in choices:
        raise invalid(name, ", ".join(choices))
    return given
