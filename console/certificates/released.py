"""The release of a build as its certificate says it: what a pipeline may rely on."""

from __future__ import annotations

from datetime import datetime

from console.certificate.status import Standing as CertificateStanding
from console.certificates.printed import CertificateDamaged, Printed, printed
from console.models import Certificate
from console.releases import Standing
from ledger import gettext_noop

_MISSING = gettext_noop("the decision has none")
_OTHER = gettext_noop("it speaks about another phase, build or decision than its row")
_NOT_IN_FORCE = gettext_noop("it is not in force")


def certified(standing: Standing, *, now: datetime) -> Printed:
    """The verified certificate of a release that stands, compared with the rows that claim it.

    Rows alone open no gate: whoever can write rows cannot sign. Raises CertificateDamaged.
    """
    assert standing.decision is not None and standing.request is not None
    decision, build = standing.decision, standing.request.build
    certificate = Certificate.objects.select_related("decision__request").filter(decision=decision).first()
    if certificate is None:
        raise CertificateDamaged(digest=decision.digest, reason=_MISSING)
    page = printed(certificate, now=now)
    said = (page.phase, page.word, page.decision_digest, page.build.get("commit", ""), page.build["treeDigest"])
    rows = (standing.phase.code, decision.word, decision.digest, build.commit, build.tree_digest)
    if said != rows:
        raise CertificateDamaged(digest=certificate.digest, reason=_OTHER)
    if page.standing is not CertificateStanding.STANDS or now >= page.valid_until.utc:
        raise CertificateDamaged(digest=certificate.digest, reason=_NOT_IN_FORCE)
    return page
