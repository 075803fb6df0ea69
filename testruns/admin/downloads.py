"""Downloads: reports in both languages, the run manifest, and evidence whose digest is checked while reading."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.kernel.doors import explain
from console.kernel.errors import GatehouseError
from testruns import reports
from testruns.evidence import read
from testruns.models import Run, RunEvidence

KINDS: Mapping[str, str] = MappingProxyType({"json": "json", "md": "markdown", "html": "html", "junit": "junit"})


def report(request: HttpRequest, run_id: int, kind: str) -> HttpResponse:
    """A report of a judged run as a file; the language is the reader's unless the address names one."""
    if kind not in KINDS:
        raise Http404
    run = get_object_or_404(Run, pk=run_id)
    if not run.recommendation:
        raise Http404
    asked = request.GET.get("language", "")
    if asked and asked not in reports.LANGUAGES:
        messages.error(
            request, _("There is no report in the language “%(asked)s”; choose one below.") % {"asked": asked[:20]}
        )
        return redirect("admin:testruns_run_change", run_id)
    own = (get_language() or "en")[:2]
    language = asked or (own if own in reports.LANGUAGES else "en")
    run_url = request.build_absolute_uri(reverse("admin:testruns_run_change", args=[run_id]))
    file = reports.file_of(run=run, kind=KINDS[kind], language=language, run_url=run_url)
    return as_attachment(file.content, media_type=file.media_type, name=file.name)


def manifest(request: HttpRequest, run_id: int) -> HttpResponse:
    """The exact bytes whose SHA-256 is the run's manifest digest."""
    text = Run.objects.filter(pk=run_id).values_list("manifest", flat=True).first()
    if not text:
        raise Http404
    return as_attachment(text.encode(), media_type="application/json", name=f"gatehouse-run-{run_id}-manifest.json")


def evidence(request: HttpRequest, run_id: int, binding_id: int) -> HttpResponse:
    """One piece of evidence as it was stored; a file that was changed on disk is refused with the reason."""
    binding = get_object_or_404(RunEvidence.objects.select_related("evidence"), pk=binding_id, run_id=run_id)
    try:
        content = read(binding.evidence_id)
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return redirect("admin:testruns_run_change", run_id)
    name = f"gatehouse-run-{run_id}-{binding.role}-{binding.evidence_id[:12]}"
    return as_attachment(
        content, media_type="application/octet-stream", name=f"{name}{_suffix(binding.evidence.media_type)}"
    )


def _suffix(media_type: str) -> str:
    if "json" in media_type:
        return ".jsonl" if "lines" in media_type or "ndjson" in media_type or "jsonl" in media_type else ".json"
    return ".xml" if media_type == "application/xml" else ".txt"


def as_attachment(content: bytes, *, media_type: str, name: str) -> HttpResponse:
    """Always an attachment: what a scenario printed must not be able to run in this console's name."""
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
