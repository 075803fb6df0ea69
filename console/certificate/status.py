"""Whether a certificate still stands: what a signed status file says, and how fresh it must be.

A certificate cannot know that it was revoked. So whoever must know asks for a status that is signed, at most a day old
and lists the certificate; one that is not listed is not in force.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from console import dsse
from console.attestations import time_text
from console.kernel.errors import GatehouseError
from ledger import canonical_bytes, gettext_noop

PAYLOAD_TYPE: Final = "application/vnd.gatehouse.certificate-status+json"
FORMAT: Final = 1
AGE_MAX: Final = timedelta(hours=24)
CLOCK_SKEW_MAX: Final = timedelta(minutes=5)


class StatusRefused(GatehouseError):
    """Base of what makes a status file say nothing."""

    code = "status-refused"
    message = gettext_noop("This status file says nothing.")


class StatusMalformed(StatusRefused):
    """Signed by us, but not of a form that is understood here."""

    code = "status-malformed"
    message = gettext_noop("The status file is of a form that is not understood here (%(field)s).")


class StatusTooOld(StatusRefused):
    """Too much may have happened since."""

    code = "status-too-old"
    message = gettext_noop("The status file is of %(at)s; at most %(hours)s hours old ones count.")


class StatusFromTheFuture(StatusRefused):
    """One of the two clocks is wrong, so its age is unknown."""

    code = "status-from-the-future"
    message = gettext_noop("The status file is of %(at)s, which has not come yet: one of the clocks is wrong.")


class Standing(StrEnum):
    """Whether what a certificate says still holds."""

    STANDS = "STANDS"
    LAPSED = "LAPSED"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateStatus:
    """How one certificate stands. `certificate`: SHA-256 of its statement. `open_conditions`: ids, in order."""

    certificate: str
    standing: Standing
    open_conditions: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How all certificates of an installation stood at one time. `is_signed`: read from a signed file."""

    at: datetime
    certificates: Mapping[str, CertificateStatus]
    audit_index: int
    audit_head: str
    is_signed: bool = False


def status_bytes(status: Status) -> bytes:
    """The bytes of a status file before it is signed."""
    return canonical_bytes(
        {
            "format": FORMAT,
            "at": time_text(status.at),
            "certificates": [_entry(one) for _, one in sorted(status.certificates.items())],
            "auditChain": {"index": status.audit_index, "head": status.audit_head},
        }
    )


def listed(certificates: Iterable[CertificateStatus]) -> dict[str, CertificateStatus]:
    """By the digest of the certificate."""
    return {one.certificate: one for one in certificates}


def read_status(content: bytes, *, keys: Mapping[str, Ed25519PublicKey], now: datetime) -> Status:
    """Verify a signed status file and that it is fresh.

    Raises EnvelopeRefused, StatusMalformed, StatusTooOld, StatusFromTheFuture.
    """
    verified = dsse.verify(dsse.read(content), keys=keys, payload_type=PAYLOAD_TYPE)
    status = _status_in(verified.body)
    if status.at - now > CLOCK_SKEW_MAX:
        raise StatusFromTheFuture(at=time_text(status.at))
    if now - status.at > AGE_MAX:
        raise StatusTooOld(at=time_text(status.at), hours=AGE_MAX // timedelta(hours=1))
    return status


def _entry(one: CertificateStatus) -> dict[str, Any]:
    entry = {
        "certificate": one.certificate,
        "standing": one.standing.value,
        "openConditions": list(one.open_conditions),
    }
    return {**entry, "reason": one.reason} if one.reason else entry


def _status_in(body: bytes) -> Status:
    try:
        content = json.loads(body)
        if content["format"] != FORMAT:
            raise StatusMalformed(field="format")
        at = datetime.fromisoformat(content["at"])
        return Status(
            at=at.astimezone(UTC),
            certificates=listed(_entry_in(one) for one in content["certificates"]),
            audit_index=int(content["auditChain"]["index"]),
            audit_head=str(content["auditChain"]["head"]),
            is_signed=True,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StatusMalformed(field=str(error)[:80]) from error


def _entry_in(one: Mapping[str, Any]) -> CertificateStatus:
    return CertificateStatus(
        certificate=str(one["certificate"]),
        standing=Standing(one["standing"]),
        open_conditions=tuple(str(id_) for id_ in one["openConditions"]),
        reason=str(one.get("reason", "")),
    )
