"""Checking a certificate offline: the file, trusted public keys, a clock, and perhaps a status. Nothing else.

The answer is a plain list of what was checked and how it came out, an exit code, and a last line that always says
whether revocation and conditions were checked. Nothing inside an envelope is believed before its signature is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from console import dsse
from console.attestations import GO, SUMMARY, time_text
from console.certificate.bundle import is_bundle, name_says, read_bundle
from console.certificate.reading import (
    SEATS,
    FileChanged,
    FileMissing,
    FileNotListed,
    NotADecision,
    SeveralDecisions,
    StatementMalformed,
    SummaryOfAnother,
    decision_in,
    digest_in,
    digests_in,
    is_decision,
    predicate_in,
    statement_in,
    texts_in,
    time_in,
)
from console.certificate.status import CertificateStatus, Standing, Status
from console.kernel.errors import GatehouseError
from ledger import gettext_noop

BEFORE_USE: Final = "BEFORE_USE"
"""The kind of a condition that must be met before the release counts, as certificates write it."""

EXIT_GENUINE: Final = 0
EXIT_WRONG: Final = 1
EXIT_NOT_IN_FORCE: Final = 3


class Result(StrEnum):
    """How one check came out."""

    OK = gettext_noop("ok")
    FAILED = gettext_noop("FAILED")
    UNKNOWN = gettext_noop("not checked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One line of the answer: a template with `%(name)s` fields and their values."""

    result: Result
    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def said(self, translate: Callable[[str], str]) -> str:
        """The line in the language of `translate`."""
        return translate(self.template) % self.params


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """The whole answer. `last` says whether revocation and conditions were checked, whatever came before.

    decision: the predicate of the verified statement, None when nothing was verified; digest: SHA-256 of the
    statement, by which a status speaks about it.
    """

    exit_code: int
    checks: tuple[Check, ...]
    last: Check
    decision: Mapping[str, Any] | None = None
    digest: str = ""


def check_certificate(
    *,
    content: bytes,
    keys: Mapping[str, Ed25519PublicKey],
    now: datetime,
    status: Status | None = None,
    is_status_required: bool = False,
) -> Checked:
    """Check an envelope (JSON), a bundle of envelopes (JSON lines) or a whole bundle (ZIP).

    keys: the trusted public keys by key id. status: how certificates stand, None when nobody asked. With
    `is_status_required` an unknown status is not in force.
    """
    examination = _Examination(keys=keys, now=now)
    try:
        examination.read(content)
    except GatehouseError as refusal:
        examination.note(Result.FAILED, refusal.message, **refusal.params)
        return examination.answer(exit_code=EXIT_WRONG, last=_NOT_REACHED)
    in_force = examination.is_within_dates()
    last, stands = examination.standing(status)
    is_known = stands is not None
    if status is None or stands is None:
        in_force = examination.has_no_overdue_condition() and in_force
    if not in_force or stands is False or (is_status_required and not is_known):
        return examination.answer(exit_code=EXIT_NOT_IN_FORCE, last=last)
    return examination.answer(exit_code=EXIT_GENUINE, last=last)


_NOT_REACHED: Final = Check(
    result=Result.UNKNOWN,
    template=gettext_noop("Revocation and conditions were NOT checked: this is no certificate to ask about."),
)
_NOT_ASKED: Final = Check(
    result=Result.UNKNOWN,
    template=gettext_noop("Revocation and conditions were NOT checked: hand over a status file at most 24 hours old."),
)
_STANDING_TEXTS: Final[Mapping[Standing, str]] = {
    Standing.STANDS: gettext_noop("Revocation and conditions were checked as of %(at)s: the release stands."),
    Standing.LAPSED: gettext_noop("Revocation and conditions were checked as of %(at)s: the release has LAPSED."),
    Standing.REVOKED: gettext_noop("Revocation and conditions were checked as of %(at)s: the release was REVOKED."),
    Standing.SUPERSEDED: gettext_noop(
        "Revocation and conditions were checked as of %(at)s: a later decision has SUPERSEDED this one."
    ),
}
_NOT_LISTED: Final = gettext_noop(
    "Revocation and conditions were checked as of %(at)s: this certificate is not listed, so it is not in force."
)
_OVERDUE: Final = gettext_noop(
    "Condition %(id)s was due on %(due)s, and nothing here shows that it was closed: %(text)s"
)
_BEFORE_USE_AT_SIGNING: Final = gettext_noop(
    "NOT TO BE USED before condition %(id)s is met (due %(due)s); it was open when this was signed: %(text)s"
)
_AFTER_USE_AT_SIGNING: Final = gettext_noop(
    "Condition %(id)s must be met by %(due)s while in use; it was open when this was signed: %(text)s"
)
_BEFORE_USE_OPEN: Final = gettext_noop(
    "NOT TO BE USED before condition %(id)s is met (due %(due)s); it is open: %(text)s"
)
_AFTER_USE_OPEN: Final = gettext_noop("Condition %(id)s must be met by %(due)s while in use; it is open: %(text)s")


class _Examination:
    """One certificate under examination: what was read so far, and the list of checks."""

    def __init__(self, *, keys: Mapping[str, Ed25519PublicKey], now: datetime) -> None:
        self._keys = keys
        self._now = now
        self._checks: list[Check] = []
        self._decision: dict[str, Any] | None = None
        self._digest = ""

    def note(self, result: Result, template: str, **params: Any) -> None:
        """Add a line to the answer."""
        self._checks.append(Check(result=result, template=template, params=params))

    def answer(self, *, exit_code: int, last: Check) -> Checked:
        """Everything that was found."""
        return Checked(
            exit_code=exit_code, checks=tuple(self._checks), last=last, decision=self._decision, digest=self._digest
        )

    def read(self, content: bytes) -> None:
        """Everything that must hold for the file to be genuine. Raises GatehouseError with the reason."""
        bundle = read_bundle(content) if is_bundle(content) else None
        envelopes = [dsse.read(text) for text in texts_in(bundle.envelopes if bundle else content)]
        statements = [self._verified(envelope) for envelope in envelopes]
        decisions = [n for n, statement in enumerate(statements) if is_decision(statement)]
        if not decisions:
            raise NotADecision(found=", ".join(str(one.get("predicateType")) for one in statements))
        if len(decisions) > 1:
            raise SeveralDecisions(count=len(decisions))
        number = decisions[0]
        decision = decision_in(statements[number])
        self._digest = hashlib.sha256(envelopes[number].body).hexdigest()
        self._decision = decision
        self.note(
            Result.OK,
            gettext_noop("It releases %(phase)s by the decision %(word)s of %(at)s, over manifest %(manifest)s."),
            phase=decision["phase"],
            word=decision["decision"],
            at=decision["validFrom"],
            manifest=decision["manifestDigest"],
        )
        self._check_signers(decision)
        for other, statement in enumerate(statements):
            if other != number:
                self._check_summary(statement, decision=statements[number], envelope=envelopes[number])
        if bundle is not None:
            self._check_files(bundle.digests, decision)

    def _verified(self, envelope: dsse.Envelope) -> dict[str, Any]:
        verified = dsse.verify(envelope, keys=self._keys)
        statement, key = statement_in(verified.body), ", ".join(verified.key_ids)
        kind = str(statement.get("predicateType"))
        if is_decision(statement):
            self.note(Result.OK, gettext_noop("The decision is signed by key %(key)s."), key=key)
        elif kind == SUMMARY:
            self.note(Result.OK, gettext_noop("The verification summary is signed by key %(key)s."), key=key)
        else:
            self.note(
                Result.OK, gettext_noop("A statement of type %(kind)s is signed by key %(key)s."), kind=kind, key=key
            )
        return statement

    def _check_signers(self, decision: Mapping[str, Any]) -> None:
        """Four seats, four people: what the console guarantees is looked at once more."""
        signatures = decision["signatures"]
        seats = sorted(str(one["seat"]) for one in signatures)
        if seats != sorted(SEATS) or len({one["person"] for one in signatures}) != len(SEATS):
            raise StatementMalformed(field="signatures")
        self.note(
            Result.OK,
            gettext_noop("Signed by %(people)s."),
            people="; ".join(f"{one['printedName']} ({one['role']}, {one['meaning']})" for one in signatures),
        )

    def _check_summary(self, statement: dict[str, Any], *, decision: dict[str, Any], envelope: dsse.Envelope) -> None:
        """Whatever stands beside the decision must be its summary, and only a GO has one."""
        if statement.get("predicateType") != SUMMARY:
            raise StatementMalformed(field="predicateType")
        summary, predicate = predicate_in(statement), decision["predicate"]
        digest = hashlib.sha256(envelope.as_text().encode()).hexdigest()
        expected = {
            "subject": (statement.get("subject"), decision["subject"]),
            "decision": (predicate["decision"], GO),
            "verificationResult": (summary.get("verificationResult"), "PASSED"),
            "resourceUri": (summary.get("resourceUri"), predicate["phase"]),
            "policy": (digest_in(summary.get("policy")), digest_in(predicate["policy"])),
            "inputAttestations": (digests_in(summary.get("inputAttestations")), [digest]),
        }
        for name, (found, wanted) in expected.items():
            if found != wanted:
                raise SummaryOfAnother(field=name)
        self.note(Result.OK, gettext_noop("The verification summary belongs to this decision."))

    def _check_files(self, digests: Mapping[str, str], decision: Mapping[str, Any]) -> None:
        wanted = {str(digest) for digest in decision["evidence"]} | {str(decision["manifestDigest"])}
        for name, digest in sorted(digests.items()):
            if name_says(name) != digest:
                raise FileChanged(name=name, found=digest)
            if digest not in wanted:
                raise FileNotListed(name=name)
        missing = sorted(wanted - set(digests.values()))
        if missing:
            raise FileMissing(count=len(missing), digest=missing[0])
        self.note(
            Result.OK,
            gettext_noop("Manifest and evidence are complete and unchanged: %(count)s files."),
            count=len(digests),
        )

    def is_within_dates(self) -> bool:
        """Whether now lies within the certificate's own dates; noted either way."""
        assert self._decision is not None
        begin, end = (time_in(self._decision, name) for name in ("validFrom", "validUntil"))
        if begin <= self._now < end:
            self.note(
                Result.OK,
                gettext_noop("It is valid from %(begin)s to %(end)s."),
                begin=time_text(begin),
                end=time_text(end),
            )
            return True
        template = (
            gettext_noop("It is valid only from %(begin)s on.")
            if self._now < begin
            else gettext_noop("It has LAPSED: it was valid to %(end)s.")
        )
        self.note(Result.FAILED, template, begin=time_text(begin), end=time_text(end))
        return False

    def has_no_overdue_condition(self) -> bool:
        """Without a status nobody knows whether a condition was closed: each is named, and one that was due fails."""
        assert self._decision is not None
        today = self._now.astimezone(UTC).date()
        open_ = [one for one in self._decision["conditions"] if "closingDigest" not in one]
        overdue = [one for one in open_ if date.fromisoformat(one["due"]) < today]
        for one in open_:
            if one in overdue:
                self.note(Result.FAILED, _OVERDUE, id=one["id"], due=one["due"], text=one["text"])
            else:
                template = _BEFORE_USE_AT_SIGNING if one["kind"] == BEFORE_USE else _AFTER_USE_AT_SIGNING
                self.note(Result.UNKNOWN, template, id=one["id"], due=one["due"], text=one["text"])
        return not overdue

    def standing(self, status: Status | None) -> tuple[Check, bool | None]:
        """The last line, and whether the release stands; None when nobody knows."""
        if status is None:
            return _NOT_ASKED, None
        at = time_text(status.at)
        if status.is_signed:
            self.note(Result.OK, gettext_noop("The status file of %(at)s is genuine and fresh."), at=at)
        found = status.certificates.get(self._digest)
        if found is None:
            return Check(result=Result.FAILED, template=_NOT_LISTED, params={"at": at}), False
        self._note_conditions(found)
        stands = found.standing is Standing.STANDS
        if found.reason:
            self.note(Result.FAILED, gettext_noop("The reason given: %(reason)s"), reason=found.reason)
        last = Check(
            result=Result.OK if stands else Result.FAILED,
            template=_STANDING_TEXTS[found.standing],
            params={"at": at},
        )
        return last, stands

    def _note_conditions(self, found: CertificateStatus) -> None:
        assert self._decision is not None
        by_id = {str(one["id"]): one for one in self._decision["conditions"]}
        for id_ in found.open_conditions:
            one = by_id.get(id_, {})
            template = _BEFORE_USE_OPEN if one.get("kind") == BEFORE_USE else _AFTER_USE_OPEN
            self.note(Result.UNKNOWN, template, id=id_, due=one.get("due", "?"), text=one.get("text", "?"))
