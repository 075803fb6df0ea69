"""Certificates: issued inside the decision, handed out as a bundle, and vouched for by a signed status."""

from __future__ import annotations

import hashlib
from datetime import datetime
from tempfile import TemporaryFile
from typing import BinaryIO

from django.conf import settings
from django.utils import timezone

from console import dsse, signing_keys
from console.attestations import decision_statement, summary_statement
from console.certificate.bundle import envelope_lines, write_bundle
from console.certificate.check import EXIT_WRONG, Result, check_certificate
from console.certificate.status import PAYLOAD_TYPE, status_bytes
from console.certificates import (
    CertificateDamaged,
    bundle_files,
    facts_of,
    keys_directory,
    known_keys,
    status_now,
    trusted_keys,
)
from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound
from console.models import Certificate, Decision

from .keys import put_on_record

ISSUED, EXPORTED = "certificate.issue", "certificate.export"


def issue(*, decision: Decision, now: datetime) -> Certificate:
    """Sign the certificate of a GO or CONDITIONAL, in the transaction of the decision and after everything else in it.

    The head of the audit chain in it covers the decision's own entry. Raises SigningKeyMissing, SigningKeyExposed.
    """
    key = signing_keys.signing_key(directory=keys_directory())
    key_id = dsse.key_id_of(key.public_key())
    if key_id not in known_keys():
        put_on_record(key_id)
    facts = facts_of(decision, base=settings.ATTESTATION_BASE, head=audit.head())
    body = decision_statement(facts)
    envelope = dsse.sign(payload_type=dsse.IN_TOTO, body=body, key=key).as_text()
    summary = summary_statement(facts, decision_envelope_digest=_sha256(envelope.encode()))
    certificate = Certificate.objects.create(
        decision=decision,
        digest=_sha256(body),
        envelope=envelope,
        vsa=dsse.sign(payload_type=dsse.IN_TOTO, body=summary, key=key).as_text() if summary else "",
        key_id=key_id,
        issued_at=now,
    )
    audit.record(
        actor=None,
        act=ISSUED,
        object=f"certificate:{certificate.digest}",
        after={"request": decision.request_id, "decision": decision.digest, "key": key_id},
        rows=(certificate,),
    )
    return certificate


@action(Act.READ, target="certificate:{certificate_id}")
def export_bundle(*, actor: Actor, certificate_id: int) -> BinaryIO:
    """The bundle of a certificate as an open temporary file, at its beginning; the export is on record.

    Raises NotFound, CertificateDamaged, BundleIncomplete, EvidenceMissing, EvidenceDamaged.
    """
    certificate = Certificate.objects.select_related("decision__request__policy").filter(pk=certificate_id).first()
    if certificate is None:
        raise NotFound(what=f"certificate {certificate_id}")
    audit.record(actor=actor, act=EXPORTED, object=f"certificate:{certificate.digest}")
    return bundle_of(certificate)


def bundle_of(certificate: Certificate) -> BinaryIO:
    """As `export_bundle`, for who needs no record."""
    envelopes = envelope_lines(certificate.envelope, certificate.vsa)
    checked = check_certificate(content=envelopes, keys=trusted_keys(), now=timezone.now())
    if checked.exit_code == EXIT_WRONG or checked.decision is None:
        failed = next(one for one in checked.checks if one.result is Result.FAILED)
        raise CertificateDamaged(digest=certificate.digest, reason=failed.said(str))
    listed = {str(one) for one in checked.decision["evidence"]} | {str(checked.decision["manifestDigest"])}
    target = TemporaryFile()  # noqa: SIM115 - whoever gets it closes it
    try:
        write_bundle(target=target, envelopes=envelopes, files=bundle_files(certificate, listed=listed))
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def signed_status(*, now: datetime) -> str:
    """How all certificates stand now, as a signed file. Raises SigningKeyMissing, SigningKeyExposed."""
    key = signing_keys.signing_key(directory=keys_directory())
    return dsse.sign(payload_type=PAYLOAD_TYPE, body=status_bytes(status_now(now=now)), key=key).as_text()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
