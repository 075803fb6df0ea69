"""Builds: everything about one commit."""

from __future__ import annotations

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from console.api.documents import build_document, phase_of_build_document
from console.api.kept import kept
from console.api.schemas import BuildDocument
from console.kernel.api.pagination import page_of
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from console.releases.builds import builds_beginning, phases_of
from testruns.api.documents import run_line
from testruns.reading import listed_runs

COMMIT = OpenApiExample("a commit", parameter_only=("commit", "path"), value="4f1d2c9")


class BuildView(ApiView):
    """One commit."""

    scope = Scope.PHASES_READ
    orderings = {"run": "id"}

    @extend_schema(summary="Everything about a build", responses={200: BuildDocument, 304: None}, examples=[COMMIT])
    def get(self, request: Request, commit: str) -> HttpResponseBase:
        """Every run, red ones too, page by page; in each phase who signed, what is left, who can do it, by when.

        The beginning of a commit is enough, from 7 digits on, while only one commit begins so.
        """
        now, builds = timezone.now(), builds_beginning(commit)
        if not builds:
            raise Http404
        runs = listed_runs().filter(build__in=builds)
        return kept(
            request,
            {
                "commit": builds[0].commit,
                "builds": [build_document(build) for build in builds],
                "phases": [phase_of_build_document(one, now=now) for one in phases_of(builds, now=now)],
                "run_count": runs.count(),
                "runs": page_of(request, runs, serialize=run_line, filters={}, orderings=self.orderings),
            },
        )
