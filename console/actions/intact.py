"""Whether the evidence of a request is still what its manifest names, read anew from rows and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from console.kernel.errors import GatehouseError
from console.models import ReleaseRequest
from testruns.actions import manifests
from testruns.evidence import EvidenceDamaged, EvidenceMissing, read
from testruns.models import Run, RunEvidence

from .refusals import EvidenceAltered, ManifestAltered, RunAltered


def require_intact(request: ReleaseRequest) -> None:
    """Refuse when the manifest, a run it binds, or a file of evidence was altered. Raises `EvidenceAltered`.

    The run manifests are made anew from the rows, so that a changed result shows even where its text was left alone.
    """
    for what in problems_of(request):
        raise EvidenceAltered(what=what)


def problems_of(request: ReleaseRequest) -> Iterator[GatehouseError]:
    """What is wrong with the evidence of a request, one refusal each; reads every file of it."""
    if _sha256(request.manifest) != request.manifest_digest:
        yield ManifestAltered(request=request.pk)
        return
    named = {run["run"]: run["manifest"] for run in json.loads(request.manifest)["runs"]}
    bound = Run.objects.filter(bound_in__request=request).select_related("build", "policy").order_by("pk")
    for run in bound:
        if not named.get(run.pk):
            continue  # listed while it waited, worked or was taken back: nothing of it was bound
        text, digest = manifests.manifest_of(run)
        if digest != named[run.pk] or text != run.manifest:
            yield RunAltered(run=run.pk)
    files = RunEvidence.objects.filter(run__in=bound.filter(bound_in__is_deciding=True))
    for digest in files.order_by("evidence_id").values_list("evidence_id", flat=True).distinct():
        try:
            read(digest)
        except (EvidenceDamaged, EvidenceMissing) as damage:
            yield damage


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
