"""Reading what a certificate holds, once its signature is proven: the statements and the members that are looked at.

Signed is not well-formed: whatever is used later is looked at here, and a statement of another form is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from console.attestations import CONDITIONAL, DECISION_PATH, GO, STATEMENT
from console.kernel.errors import GatehouseError
from ledger import gettext_noop

SEATS: Final = ("ENGINEER", "REVIEWER", "SUPERVISOR", "TESTER")
_SIGNATURE_MEMBERS: Final = ("seat", "person", "printedName", "role", "meaning")
_CONDITION_MEMBERS: Final = ("id", "text", "kind")


class CertificateWrong(GatehouseError):
    """Base of what makes a file no certificate of ours."""

    code = "certificate-wrong"
    message = gettext_noop("This is no certificate.")


class NotADecision(CertificateWrong):
    """Genuine, but it does not release anything by itself."""

    code = "not-a-decision"
    message = gettext_noop("The file holds no release decision: %(found)s.")


class SeveralDecisions(CertificateWrong):
    """A certificate is one decision."""

    code = "several-decisions"
    message = gettext_noop("The file holds %(count)s release decisions; a certificate is one.")


class StatementMalformed(CertificateWrong):
    """Signed, and still not of the form of a release decision."""

    code = "statement-malformed"
    message = gettext_noop("The statement is not of the form of a release decision: %(field)s.")


class SummaryOfAnother(CertificateWrong):
    """The summary beside the decision belongs to another one."""

    code = "summary-of-another"
    message = gettext_noop("The verification summary does not belong to this decision: %(field)s differs.")


class FileMissing(CertificateWrong):
    """The decision lists it, the bundle lacks it."""

    code = "file-missing"
    message = gettext_noop("%(count)s files that the decision lists are missing, the first is %(digest)s.")


class FileChanged(CertificateWrong):
    """Not the bytes it is named by."""

    code = "file-changed"
    message = gettext_noop("The file %(name)s was changed: its digest is %(found)s.")


class FileNotListed(CertificateWrong):
    """Somebody put it there."""

    code = "file-not-listed"
    message = gettext_noop("The file %(name)s is not part of this certificate: the decision does not list it.")


def texts_in(content: bytes) -> list[bytes]:
    """The envelopes of a file: one, however it is laid out, or one per line."""
    lines = [line for line in content.splitlines() if line.strip()]
    is_lines = len(lines) > 1 and all(line.strip().startswith(b"{") for line in lines)
    return lines if is_lines else [content]


def statement_in(body: bytes) -> dict[str, Any]:
    """The in-toto statement of verified bytes. Raises StatementMalformed."""
    try:
        statement = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StatementMalformed(field="JSON") from error
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise StatementMalformed(field="_type")
    return statement


def is_decision(statement: Mapping[str, Any]) -> bool:
    """Whether it is a release decision of some installation of ours."""
    return str(statement.get("predicateType", "")).endswith(DECISION_PATH)


def decision_in(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The predicate of a decision, every member that is looked at being of its form. Raises StatementMalformed."""
    decision = predicate_in(statement)
    try:
        _require([one["digest"]["sha256"] for one in statement["subject"]] == [decision["manifestDigest"]], "subject")
        _require(decision["decision"] in (GO, CONDITIONAL), "decision")
        _require(isinstance(decision["phase"], str), "phase")
        _require(isinstance(digest_in(decision["policy"]), str), "policy")
        _require(isinstance(decision["evidence"], list), "evidence")
        for name in ("validFrom", "validUntil"):
            time_in(decision, name)
        for one in decision["conditions"]:
            date.fromisoformat(one["due"])
            _require(all(isinstance(one[name], str) for name in _CONDITION_MEMBERS), "conditions")
        for one in decision["signatures"]:
            _require(all(isinstance(one[name], str) for name in _SIGNATURE_MEMBERS), "signatures")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StatementMalformed(field=str(error)[:80]) from error
    return decision


def predicate_in(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The predicate of any statement. Raises StatementMalformed."""
    found = statement.get("predicate")
    if not isinstance(found, dict):
        raise StatementMalformed(field="predicate")
    return found


def time_in(decision: Mapping[str, Any], name: str) -> datetime:
    """A time of a decision. ValueError for anything but a time with its zone."""
    at = datetime.fromisoformat(decision[name])
    if at.tzinfo is None:
        raise ValueError(name)
    return at


def digest_in(resource: object) -> object:
    """The SHA-256 that a resource descriptor names, None without one."""
    digest = resource.get("digest") if isinstance(resource, dict) else None
    return digest.get("sha256") if isinstance(digest, dict) else None


def digests_in(resources: object) -> list[object]:
    """The SHA-256 of each of a list of resource descriptors."""
    return [digest_in(one) for one in resources] if isinstance(resources, list) else []


def _require(is_right: bool, name: str) -> None:
    if not is_right:
        raise StatementMalformed(field=name)
