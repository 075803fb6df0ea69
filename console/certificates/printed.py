"""A certificate to print: what its signed statement says, read from the verified envelope and not from rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from console.attestations import phase_uri
from console.certificate.check import EXIT_WRONG, Result, check_certificate
from console.certificate.status import Standing
from console.certificates.keys import trusted_keys
from console.certificates.standing import status_of
from console.kernel.errors import GatehouseError
from console.models import Certificate
from ledger import gettext_noop


class CertificateDamaged(GatehouseError):
    """The stored certificate does not verify, so nothing of it is shown as if it did."""

    code = "certificate-damaged"
    message = gettext_noop("The certificate %(digest)s cannot be trusted: %(reason)s")
    words = ("reason",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One instant, twice: in UTC and in the zone of the person it concerns."""

    utc: datetime
    local: datetime
    zone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedSignature:
    """A signature as it stands on paper; `seat`, `role` and `meaning` are the stored words."""

    seat: str
    printed_name: str
    role: str
    meaning: str
    signed: Moment
    method: str
    digest: str
    review_digest: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedCondition:
    """A condition as it stands on paper; `is_open` says how it is now, the rest how it was signed."""

    id: str
    text: str
    kind: str
    owner: str
    due_date: date
    closing_rule: str
    closing_digest: str
    is_open: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Printed:
    """Everything a printed certificate shows. Times are given in UTC and in the deciding supervisor's zone.

    digest: SHA-256 of the signed statement. gates: id, verdict, waiverIds. standing: as of `printed`.
    """

    digest: str
    key_ids: str
    phase: str
    word: str
    number: int
    reason: str
    build: Mapping[str, Any]
    policy_uri: str
    policy_digest: str
    manifest_digest: str
    decision_digest: str
    decided: Moment
    valid_until: Moment
    gates: tuple[Mapping[str, Any], ...]
    conditions: tuple[PrintedCondition, ...]
    signatures: tuple[PrintedSignature, ...]
    evidence: tuple[str, ...]
    audit_index: int
    audit_head: str
    has_summary: bool
    standing: Standing
    standing_reason: str
    printed: Moment


def printed(certificate: Certificate, *, now: datetime) -> Printed:
    """What a printed certificate shows. Raises CertificateDamaged when its envelope does not verify."""
    checked = check_certificate(content=certificate.envelope.encode(), keys=trusted_keys(), now=now)
    if checked.exit_code == EXIT_WRONG or checked.decision is None:
        failed = next(one for one in checked.checks if one.result is Result.FAILED)
        raise CertificateDamaged(digest=certificate.digest, reason=failed.said(str))
    decision = checked.decision
    signatures = tuple(_signature(one) for one in decision["signatures"])
    zone = signatures[-1].signed.zone
    status = status_of(certificate, now=now)
    return Printed(
        digest=checked.digest,
        key_ids=certificate.key_id,
        phase=decision["phase"].removeprefix(phase_uri("")),
        word=decision["decision"],
        number=decision["number"],
        reason=decision.get("reason", ""),
        build=decision["build"],
        policy_uri=decision["policy"]["uri"],
        policy_digest=decision["policy"]["digest"]["sha256"],
        manifest_digest=decision["manifestDigest"],
        decision_digest=decision["decisionDigest"],
        decided=_moment(decision["validFrom"], zone),
        valid_until=_moment(decision["validUntil"], zone),
        gates=tuple(decision["gates"]),
        conditions=tuple(_condition(one, status.open_conditions) for one in decision["conditions"]),
        signatures=signatures,
        evidence=tuple(decision["evidence"]),
        audit_index=decision["auditChain"]["index"],
        audit_head=decision["auditChain"]["head"],
        has_summary=bool(certificate.vsa),
        standing=status.standing,
        standing_reason=status.reason,
        printed=_moment(now.isoformat(), zone),
    )


def _signature(one: Mapping[str, Any]) -> PrintedSignature:
    return PrintedSignature(
        seat=one["seat"],
        printed_name=one["printedName"],
        role=one["role"],
        meaning=one["meaning"],
        signed=_moment(one["signedAt"], one["zone"]),
        method=one["authMethod"],
        digest=one["signOffDigest"],
        review_digest=one.get("reviewDigest", ""),
        reason=one.get("reason", ""),
    )


def _condition(one: Mapping[str, Any], still_open: tuple[str, ...]) -> PrintedCondition:
    return PrintedCondition(
        id=one["id"],
        text=one["text"],
        kind=one["kind"],
        owner=one["owner"],
        due_date=date.fromisoformat(one["due"]),
        closing_rule=one["closingEvidenceRule"],
        closing_digest=one.get("closingDigest", ""),
        is_open=one["id"] in still_open,
    )


def _moment(text: str, zone: str) -> Moment:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return Moment(utc=at, local=at.astimezone(ZoneInfo(zone)), zone=zone)
