"""Certificates: as a document to print, as the signed file, and with all evidence."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.actions.certificates import export_bundle
from console.certificate.bundle import envelope_lines
from console.certificate.status import Standing
from console.certificates import printed
from console.kernel.doors import actor_of, explain
from console.kernel.errors import GatehouseError
from console.models import Certificate
from testruns.admin.downloads import as_attachment


@require_safe
def certificate_page(request: HttpRequest, decision_id: int) -> HttpResponse:
    """The certificate of a decision as it is printed, read from what was signed; a damaged one is not shown."""
    certificate = _certificate(decision_id)
    try:
        page = printed(certificate, now=timezone.now())
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return redirect("admin:release_request", certificate.decision.request_id)
    context = {
        **admin.site.each_context(request),
        "title": _("Certificate"),
        "page": page,
        "decision": certificate.decision,
        "stands": page.standing is Standing.STANDS,
        "file_name": _name(certificate, "intoto.jsonl"),
    }
    return TemplateResponse(request, "console/releases/certificate.html", context)


@require_safe
def certificate_file(request: HttpRequest, decision_id: int) -> HttpResponse:
    """The signed envelopes, one per line: what `verify_certificate` reads."""
    certificate = _certificate(decision_id)
    content = envelope_lines(certificate.envelope, certificate.vsa)
    return as_attachment(content, media_type="application/jsonl", name=_name(certificate, "intoto.jsonl"))


@require_safe
def bundle(request: HttpRequest, decision_id: int) -> HttpResponse | FileResponse:
    """The ZIP file with the envelopes, the manifest and every piece of evidence; the export is on record."""
    certificate = _certificate(decision_id)
    try:
        file = export_bundle(actor=actor_of(request), certificate_id=certificate.pk)
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return redirect("admin:release_request", certificate.decision.request_id)
    return FileResponse(file, as_attachment=True, filename=_name(certificate, "zip"), content_type="application/zip")


def _certificate(decision_id: int) -> Certificate:
    rows = Certificate.objects.select_related("decision__request__phase", "decision__request__build")
    return get_object_or_404(rows, decision_id=decision_id)


def _name(certificate: Certificate, suffix: str) -> str:
    decision = certificate.decision
    return f"gatehouse-{decision.request.phase.code}-request-{decision.request_id}-{decision.number}.{suffix}"
