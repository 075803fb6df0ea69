"""Release requests: what was signed, the manifest it was signed over, the certificate, and the bundle of everything."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from console.actions.certificates import export_bundle
from console.api.documents import (
    condition_document,
    history_document,
    left_document,
    sign_off_document,
)
from console.api.kept import kept
from console.api.schemas import ReleaseDocument
from console.kernel.api.caching import unless_known
from console.kernel.api.pagination import invalid, single
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from console.models import Certificate, ReleaseRequest
from console.releases import Look, conditions_of, standing_of_phase, standing_sign_offs
from console.releases.board import history_line
from console.releases.left import what_is_left
from testruns.api.attachments import attachment

NUMBER = OpenApiParameter(
    "number",
    {"type": "integer", "enum": [1, 2]},
    OpenApiParameter.QUERY,
    description="Of the decision: 2 is the GO after a CONDITIONAL. The last one unless named.",
)


class ReleaseView(ApiView):
    """One release request."""

    scope = Scope.PHASES_READ

    @extend_schema(summary="Read a release request", responses={200: ReleaseDocument, 304: None})
    def get(self, request: Request, request_id: int) -> HttpResponseBase:
        """Who signed, conditions, certificates, and what is left while this request says how its build stands."""
        now, row = timezone.now(), _request(request_id)
        standing = standing_of_phase(row.phase, now=now, builds=[row.build])
        is_telling = standing.request is not None and standing.request.pk == row.pk
        left = what_is_left(standing, build=row.build, look=Look(now=now)) if is_telling else ()
        certificates = Certificate.objects.filter(decision__request=row).select_related("decision")
        return kept(
            request,
            history_document(history_line(row, now=now))
            | {
                "phase": row.phase.code,
                "signed": [sign_off_document(one) for one in standing_sign_offs(row).values()],
                "conditions": [condition_document(one, now=now) for one in conditions_of(row)],
                "certificates": [
                    {
                        "number": one.decision.number,
                        "digest": one.digest,
                        "url": f"{reverse('api-certificate', args=[row.pk])}?number={one.decision.number}",
                    }
                    for one in certificates.order_by("decision__number")
                ],
                "left": [left_document(one) for one in left],
            },
        )


class ReleaseManifestView(ApiView):
    """The manifest of a release request."""

    scope = Scope.PHASES_READ

    @extend_schema(
        summary="Manifest of a release",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="Canonical JSON."), 304: None},
    )
    def get(self, request: Request, request_id: int) -> HttpResponseBase:
        """The exact bytes whose SHA-256 people signed."""
        row = _request(request_id)
        return unless_known(
            request,
            etag=f'"{row.manifest_digest}"',
            answer=lambda: attachment(
                row.manifest.encode(), media_type="application/json", name=f"gatehouse-release-{row.pk}-manifest.json"
            ),
        )


class CertificateView(ApiView):
    """The certificate of a decision."""

    scope = Scope.PHASES_READ
    parameters = frozenset({"number"})

    @extend_schema(
        summary="Certificate of a release",
        parameters=[NUMBER],
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="A DSSE envelope."), 304: None},
    )
    def get(self, request: Request, request_id: int) -> HttpResponseBase:
        """The signed envelope (DSSE, in-toto) as `gatehouse verify` and `manage.py verify_certificate` read it."""
        one = _certificate(request, request_id)
        return unless_known(
            request,
            etag=f'"{one.digest}"',
            answer=lambda: attachment(
                one.envelope.encode(),
                media_type="application/json",
                name=f"gatehouse-release-{request_id}-{one.decision.number}.intoto.json",
            ),
        )


class BundleView(ApiView):
    """The bundle of a certificate."""

    scope = Scope.EVIDENCE_READ
    parameters = frozenset({"number"})

    @extend_schema(
        summary="Certificate with all evidence", parameters=[NUMBER], responses={(200, "application/zip"): bytes}
    )
    def get(self, request: Request, request_id: int) -> HttpResponseBase:
        """A ZIP file with the envelopes, the manifest and every piece of evidence; the export is put on record."""
        one = _certificate(request, request_id)
        file = export_bundle(actor=self.actor(request), certificate_id=one.pk)
        name = f"gatehouse-release-{request_id}-{one.decision.number}.zip"
        answer = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


def _request(request_id: int) -> ReleaseRequest:
    rows = ReleaseRequest.objects.select_related("phase", "build", "opened_by", "policy")
    row = rows.prefetch_related("decisions__sign_off").filter(pk=request_id).first()
    if row is None:
        raise Http404
    return row


def _certificate(request: Request, request_id: int) -> Certificate:
    given = single(request, "number")
    if given not in (None, "1", "2"):
        raise invalid("number", "1, 2")
    rows = Certificate.objects.filter(decision__request_id=request_id).select_related("decision")
    if given is not None:
        rows = rows.filter(decision__number=int(given))
    found = rows.order_by("-decision__number").first()
    if found is None:
        raise Http404
    return found
