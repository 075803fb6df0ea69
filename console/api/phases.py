"""Phases: all of them, one with its checklist, its history, and the gate that a pipeline asks."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from console.api.documents import (
    build_document,
    gate_document,
    history_document,
    item_document,
    left_document,
    phase_document,
    phase_state,
    sign_off_document,
)
from console.api.kept import commit_in_query, kept
from console.api.schemas import GateAnswer, PhaseDocument, Phases, ReleasePage
from console.certificates import certified
from console.kernel.api.problems import Problem
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from console.models import Phase, ReleaseRequest
from console.releases import Look, Standing, conditions_of, standing_of_phase, standings_of
from console.releases.board import history_line, phase_view
from console.releases.builds import PhaseOfBuild, builds_of, phase_of_build, whole_commit
from console.releases.definitions import edges_in_force
from testruns.api.documents import told

CODE = OpenApiExample("phase 5a", parameter_only=("code", "path"), value="5a")


class PhasesView(ApiView):
    """All phases."""

    scope = Scope.PHASES_READ

    @extend_schema(summary="List phases", responses={200: Phases, 304: None})
    def get(self, request: Request) -> HttpResponseBase:
        """In the order of the roadmap, each with how it stands and what says so."""
        now, edges = timezone.now(), edges_in_force()
        standings = standings_of(Phase.objects.order_by("position"), now=now).values()
        return kept(request, {"results": [phase_document(one, edges=edges, now=now) for one in standings]})


class PhaseView(ApiView):
    """One phase."""

    scope = Scope.PHASES_READ

    @extend_schema(summary="Read a phase", responses={200: PhaseDocument, 304: None}, examples=[CODE])
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """The checklist says of each item why it is red or green and who can clear it; it is empty once released."""
        now = timezone.now()
        try:
            view = phase_view(code, now=now)
        except Phase.DoesNotExist:
            raise Http404 from None
        line = view.line
        return kept(
            request,
            phase_document(line.standing, edges=edges_in_force(), now=now)
            | told(
                description=_(line.phase.description) if line.phase.description else None,
                build=build_document(line.build) if line.build and line.checklist else None,
                checklist=[item_document(item) for item in line.checklist],
                signed=[sign_off_document(one) for one in view.signed],
                next_seat=line.next_seat.value if line.next_seat else None,
                next_people=list(line.next_people) if line.next_seat else None,
            ),
        )


class PhaseHistoryView(ApiView):
    """The release requests of one phase."""

    scope = Scope.PHASES_READ
    orderings = {"request": "id"}

    @extend_schema(summary="History of a phase", responses=ReleasePage, examples=[CODE])
    def get(self, request: Request, code: str) -> Response:
        """Every release request of the phase with its state now, the newest first."""
        now, phase = timezone.now(), _phase(code)
        rows = ReleaseRequest.objects.filter(phase=phase).select_related("phase", "build", "opened_by")
        rows = rows.defer("manifest").prefetch_related("decisions__sign_off")
        return self.page(request, rows, serialize=lambda row: history_document(history_line(row, now=now)))


class GateView(ApiView):
    """The gate of one phase, for pipelines."""

    scope = Scope.PHASES_READ
    parameters = frozenset({"commit"})

    @extend_schema(
        summary="Ask whether a build is released",
        parameters=[OpenApiParameter("commit", str, OpenApiParameter.QUERY, required=True)],
        responses={
            200: GateAnswer,
            304: None,
            409: OpenApiResponse(
                description="`build-not-released`: with `exit_code`, `state` and `blockers`, each with act and people."
            ),
        },
        examples=[
            CODE,
            OpenApiExample(
                "a commit", parameter_only=("commit", "query"), value="4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918"
            ),
        ],
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """200 when a release of exactly this commit stands and its certificate verifies, else a problem.

        The commit is named in full: another one with the same first digits is quickly made.
        """
        now, phase = timezone.now(), _phase(code)
        commit = commit_in_query(request, whole_commit)
        assert commit is not None
        found = phase_of_build(phase, builds=builds_of(commit), look=Look(now=now))
        if found.standing.effect.gate_status != 200:
            raise _not_released(commit, found, released=standing_of_phase(phase, now=now))
        page = certified(found.standing, now=now)
        assert found.standing.request is not None
        conditions = conditions_of(found.standing.request)
        return kept(request, gate_document(found.standing, page, conditions=conditions, now=now))


def _not_released(commit: str, found: PhaseOfBuild, *, released: Standing) -> Problem:
    detail = _("Phase %(phase)s: build %(commit)s is not released (%(meaning)s).") % {
        "phase": found.standing.phase.code,
        "commit": commit[:12],
        "meaning": _(found.standing.label),
    }
    more: dict[str, Any] = {}
    if released.request is not None and released.effect.gate_status == 200:
        more["released"] = build_document(released.request.build)
    return Problem(
        "build-not-released",
        409,
        detail,
        **phase_state(found.standing.phase, found.standing),
        commit=commit,
        blockers=[left_document(one) for one in found.left],
        **more,
    )


def _phase(code: str) -> Phase:
    phase = Phase.objects.filter(code=code).first()
    if phase is None:
        raise Http404
    return phase
