"""How certificates stand now, from rows."""

from __future__ import annotations

import hashlib
from datetime import datetime

from console import dsse
from console.certificate.status import CertificateStatus, Standing, Status, listed
from console.certificates.facts import condition_id
from console.kernel import audit
from console.models import Certificate, Decision
from console.release_states import RequestState
from console.releases import conditions_of, is_closed, last_decision_of, state_of
from ledger import gettext_noop

LATER_DECISION = gettext_noop("A later decision on the same request has its own certificate.")
_STANDINGS = {
    RequestState.GO: Standing.STANDS,
    RequestState.CONDITIONAL: Standing.STANDS,
    RequestState.LAPSED: Standing.LAPSED,
    RequestState.REVOKED: Standing.REVOKED,
    RequestState.SUPERSEDED: Standing.SUPERSEDED,
}


def status_of(certificate: Certificate, *, now: datetime) -> CertificateStatus:
    """How one certificate stands: as its request does, and superseded once a second decision followed."""
    decision = certificate.decision
    request = decision.request
    digest = statement_digest(certificate)
    last = last_decision_of(request)
    if last is not None and last.number > decision.number:
        return CertificateStatus(certificate=digest, standing=Standing.SUPERSEDED, reason=LATER_DECISION)
    standing = _STANDINGS[state_of(request, now=now)]
    still_open = [condition_id(one) for one in conditions_of(request) if not is_closed(one)]
    return CertificateStatus(
        certificate=digest,
        standing=standing,
        open_conditions=tuple(still_open),
        reason=_revoked_because(decision) if standing is Standing.REVOKED else "",
    )


def status_now(*, now: datetime) -> Status:
    """How all certificates stand."""
    rows = Certificate.objects.select_related("decision__request").prefetch_related("decision__request__decisions")
    head = audit.head()
    return Status(
        at=now,
        certificates=listed(status_of(one, now=now) for one in rows),
        audit_index=head.index,
        audit_head=head.hash,
    )


def statement_digest(certificate: Certificate) -> str:
    """SHA-256 of the bytes that were signed, from the envelope itself."""
    return hashlib.sha256(dsse.read(certificate.envelope).body).hexdigest()


def _revoked_because(decision: Decision) -> str:
    revocation = getattr(decision, "revocation", None)
    return str(revocation.reason) if revocation is not None else ""
