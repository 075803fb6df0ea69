"""Addresses that exist in tests only: one view for each promise of the frame."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django.http import HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api import pagination
from console.kernel.api.caching import etag_of, unless_known
from console.kernel.api.idempotency import idempotent
from console.kernel.api.parsing import StrictSerializer, parsed
from console.kernel.api.problems import Problem
from console.kernel.api.views import ApiView
from console.kernel.errors import WrongState
from console.kernel.models import AuditEntry
from console.kernel.scopes import Scope
from console.tests.kernel.acting import note
from console.urls import handler400, handler404, handler500  # noqa: F401 - Django looks for them here
from console.urls import urlpatterns as product


class NoteSerializer(StrictSerializer):
    """What the notes of these tests are made of."""

    text = serializers.CharField(max_length=20)
    tags = serializers.ListField(child=serializers.CharField(max_length=5), required=False)


class NotesView(ApiView):
    """Writes audit entries, so that effects can be counted."""

    scope = {"GET": Scope.RUNS_READ, "POST": Scope.RUNS_WRITE}
    filters = {"act": pagination.text("act"), "outcome": pagination.one_of("outcome", "done", "refused")}
    orderings = {"index": "index", "at": "at"}
    body_bytes_max = 1000

    def get(self, request: Request) -> HttpResponse:
        """Every entry."""
        return self.page(request, AuditEntry.objects.all(), serialize=lambda entry: {"index": entry.index})

    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """One entry; some texts ask for a refusal or a fault."""
        given = parsed(request, NoteSerializer)
        entry = note(actor=self.actor(request), text=given["text"])
        return Response({"index": entry.index}, status=201, headers={"Location": f"/notes/{entry.index}/"})


class FaultView(ApiView):
    """Fails in the way that its address names."""

    scope = Scope.RUNS_READ

    def get(self, request: Request, fault: str) -> HttpResponse:
        """One of several faults."""
        faults: dict[str, Exception] = {
            "bug": RuntimeError("a secret of the program"),
            "locked": OperationalError("database is locked"),
            "damaged": OperationalError("disk I/O error at a secret place"),
            "state": WrongState(what="run 3", state="cancelled"),
            "later": Problem("database-busy", 503, "later", headers={"Retry-After": "7"}),
        }
        raise faults[fault]


class KeptView(ApiView):
    """An answer that can be kept."""

    scope = frozenset({Scope.RUNS_READ, Scope.PHASES_READ})
    made = 0

    def get(self, request: Request, version: int) -> Any:
        """Counts how often it is made."""

        def answer() -> Response:
            KeptView.made += 1
            return Response({"version": version})

        return unless_known(request, etag=etag_of("kept", version), answer=answer)


class ForgottenView(ApiView):
    """Names no scope."""

    def get(self, request: Request) -> HttpResponse:
        """Never reached."""
        return Response({})


urlpatterns = [
    path("api/v1/notes/", NotesView.as_view()),
    path("api/v1/faults/<str:fault>/", FaultView.as_view()),
    path("api/v1/kept/<int:version>/", KeptView.as_view()),
    path("api/v1/forgotten/", ForgottenView.as_view()),
    *product,
]
