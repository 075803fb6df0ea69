"""The files that belong to a certificate: everything its decision rests on, each by its own digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from console.certificate.bundle import BundleFile
from console.kernel.errors import GatehouseError
from console.models import Certificate, ConditionClosing, Decision
from console.releases import standing_sign_offs
from ledger import gettext_noop
from testruns.evidence import read
from testruns.models import Evidence, Run, RunEvidence

SUFFIXES = {"application/json": "json", "application/x-ndjson": "jsonl", "text/plain": "txt"}


class BundleIncomplete(GatehouseError):
    """Something the certificate lists is no longer what it was, so no whole bundle can be made."""

    code = "bundle-incomplete"
    message = gettext_noop("The bundle cannot be made: %(what)s with the digest %(digest)s is not there as it was.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One file. `content` is only asked for when it is written; evidence checks its digest as it is read."""

    kind: str
    digest: str
    suffix: str
    content: Callable[[], bytes]

    @property
    def name(self) -> str:
        """Where it lies in a bundle."""
        return f"{self.kind}/{self.digest}.{self.suffix}"


def evidence_of(decision: Decision) -> tuple[str, ...]:
    """The digests of all files of a decision but the manifest, sorted: what its certificate lists."""
    manifest = decision.request.manifest_digest
    return tuple(sorted({piece.digest for piece in _pieces(decision)} - {manifest}))


def bundle_files(certificate: Certificate, *, listed: set[str]) -> Iterator[BundleFile]:
    """Every file that the certificate lists, sorted by name. What came to the decision later is left out.

    `listed`: the digests in the verified certificate, the manifest's included. Raises BundleIncomplete, and
    EvidenceMissing or EvidenceDamaged for a file of evidence.
    """
    found = {piece.digest: piece for piece in _pieces(certificate.decision) if piece.digest in listed}
    for digest in sorted(listed - found.keys()):
        raise BundleIncomplete(what=gettext_noop("a file"), digest=digest)
    for piece in sorted(found.values(), key=lambda piece: piece.name):
        content = piece.content()
        if hashlib.sha256(content).hexdigest() != piece.digest:
            raise BundleIncomplete(what=piece.kind, digest=piece.digest)
        yield BundleFile(name=piece.name, content=content)


def _pieces(decision: Decision) -> Iterator[Piece]:
    request = decision.request
    yield _text("manifest", request.manifest_digest, request.manifest)
    yield _text("policy", request.policy.digest, request.policy.content)
    yield _text("decisions", decision.digest, decision.content)
    yield from _run_pieces(decision)
    for sign_off in {*standing_sign_offs(request).values(), decision.sign_off}:
        yield _text("sign-offs", sign_off.digest, sign_off.content)
        if sign_off.review is not None:
            yield _text("reviews", sign_off.review.digest, sign_off.review.content)
            attachments = Evidence.objects.filter(attached_to__review=sign_off.review)
            yield from (_evidence(one) for one in attachments)
    yield from _closing_pieces(decision)


def _run_pieces(decision: Decision) -> Iterator[Piece]:
    """The manifest of every listed run that had one, and what the deciding runs wrote."""
    named = {run["run"]: run["manifest"] for run in json.loads(decision.request.manifest)["runs"]}
    bound = Run.objects.filter(bound_in__request=decision.request)
    for number, text in bound.values_list("pk", "manifest"):
        if named.get(number):
            yield _text("run-manifests", named[number], text)
    deciding = bound.filter(bound_in__is_deciding=True, bound_in__request=decision.request)
    bindings = RunEvidence.objects.filter(run__in=deciding).values("evidence_id")
    yield from (_evidence(one) for one in Evidence.objects.filter(digest__in=bindings))


def _closing_pieces(decision: Decision) -> Iterator[Piece]:
    closings = ConditionClosing.objects.filter(condition__decision__request=decision.request)
    for closing in closings.filter(confirmation__isnull=False).select_related("evidence", "run"):
        yield _text("closings", closing.digest, closing.content)
        if closing.evidence is not None:
            yield _evidence(closing.evidence)
        if closing.run is not None and closing.run.manifest_digest:
            yield _text("run-manifests", closing.run.manifest_digest, closing.run.manifest)


def _text(kind: str, digest: str, text: str) -> Piece:
    return Piece(kind=kind, digest=digest, suffix="json", content=text.encode)


def _evidence(evidence: Evidence) -> Piece:
    suffix = SUFFIXES.get(evidence.media_type, "bin")
    digest = evidence.digest
    return Piece(kind="evidence", digest=digest, suffix=suffix, content=lambda: read(digest))
