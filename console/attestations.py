"""What a certificate says: the in-toto statement of a release decision, and the summary of a GO for other tools.

Both speak about the release manifest by its digest. Their bytes are canonical JSON, so the same facts are always the
same bytes. A summary (SLSA VSA) exists for GO only: a reader who knows nothing else stays closed for everything else.
Optional members are left out, never null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from ledger import canonical_bytes

STATEMENT: Final = "https://in-toto.io/Statement/v1"
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
DECISION_PATH: Final = "/attestation/release-decision/v1"
VERIFIER_PATH: Final = "/verifier/v1"
LEVEL: Final = "GATEHOUSE_RELEASED"
MANIFEST_NAME: Final = "release-manifest.json"
GO: Final = "GO"
CONDITIONAL: Final = "CONDITIONAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildFacts:
    """The build that was judged; `commit` is empty where there is no repository."""

    name: str
    commit: str
    tree_digest: str
    is_clean: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFacts:
    """The gate policy under which the evidence was judged."""

    code: str
    number: int
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFacts:
    """One gate: its verdict after waivers, the manifests of the runs that decided, the waivers that counted."""

    gate: str
    verdict: str
    run_manifests: tuple[str, ...]
    waivers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionFacts:
    """One condition. `closing_digest` is the record that closed it, empty while it is open."""

    id: str
    text: str
    kind: str
    owner: str
    due_date: date
    closing_rule: str
    closing_digest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureFacts:
    """One person's signature; `digest` names the record that was signed."""

    seat: str
    person: str
    printed_name: str
    role: str
    meaning: str
    signed_at: datetime
    zone: str
    method: str
    authenticated_at: datetime
    digest: str
    review_digest: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionFacts:
    """A decision that released something, and everything it rests on.

    base: the address under which this installation names its own types. evidence: digests of every file that belongs
    to the certificate. audit_index, audit_head: the audit chain's last entry when the certificate was issued.
    """

    base: str
    phase: str
    build: BuildFacts
    word: str
    number: int
    digest: str
    reason: str
    decided_at: datetime
    valid_until: datetime
    manifest_digest: str
    policy: PolicyFacts
    gates: tuple[GateFacts, ...]
    conditions: tuple[ConditionFacts, ...]
    signatures: tuple[SignatureFacts, ...]
    evidence: tuple[str, ...]
    audit_index: int
    audit_head: str


def decision_statement(facts: DecisionFacts) -> bytes:
    """The statement of a decision, as the bytes to sign."""
    return canonical_bytes(_statement(facts, kind=facts.base + DECISION_PATH, predicate=_decision(facts)))


def summary_statement(facts: DecisionFacts, *, decision_envelope_digest: str) -> bytes | None:
    """The verification summary as the bytes to sign; None unless the decision is GO.

    decision_envelope_digest: SHA-256 of the envelope of the decision, the one input of the summary.
    """
    if facts.word != GO:
        return None
    predicate = {
        "verifier": {"id": facts.base + VERIFIER_PATH},
        "timeVerified": time_text(facts.decided_at),
        "resourceUri": phase_uri(facts.phase),
        "policy": {"uri": policy_uri(facts.policy), "digest": {"sha256": facts.policy.digest}},
        "inputAttestations": [
            {"uri": f"urn:gatehouse:decision:{facts.digest}", "digest": {"sha256": decision_envelope_digest}}
        ],
        "verificationResult": "PASSED",
        "verifiedLevels": [LEVEL],
    }
    return canonical_bytes(_statement(facts, kind=SUMMARY, predicate=predicate))


def phase_uri(phase: str) -> str:
    """The name of a phase outside of this installation."""
    return f"urn:gatehouse:phase:{phase}"


def policy_uri(policy: PolicyFacts) -> str:
    """The name of a policy version outside of this installation."""
    return f"urn:gatehouse:policy:{policy.code}:{policy.number}"


def time_text(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds. ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time in a certificate needs a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _statement(facts: DecisionFacts, *, kind: str, predicate: dict[str, Any]) -> dict[str, Any]:
    return {
        "_type": STATEMENT,
        "subject": [{"name": MANIFEST_NAME, "digest": {"sha256": facts.manifest_digest}}],
        "predicateType": kind,
        "predicate": predicate,
    }


def _decision(facts: DecisionFacts) -> dict[str, Any]:
    return {
        "phase": phase_uri(facts.phase),
        "decision": facts.word,
        "number": facts.number,
        "decisionDigest": facts.digest,
        **_filled(reason=facts.reason),
        "validFrom": time_text(facts.decided_at),
        "validUntil": time_text(facts.valid_until),
        "manifestDigest": facts.manifest_digest,
        "build": {
            "name": facts.build.name,
            **_filled(commit=facts.build.commit),
            "treeDigest": facts.build.tree_digest,
            "isClean": facts.build.is_clean,
        },
        "policy": {
            "uri": policy_uri(facts.policy),
            "digest": {"sha256": facts.policy.digest},
            "version": facts.policy.number,
        },
        "gates": [_gate(gate) for gate in sorted(facts.gates, key=lambda gate: gate.gate)],
        "conditions": [_condition(condition) for condition in facts.conditions],
        "signatures": [_signature(signature) for signature in facts.signatures],
        "evidence": sorted(set(facts.evidence)),
        "auditChain": {"index": facts.audit_index, "head": facts.audit_head},
    }


def _gate(gate: GateFacts) -> dict[str, Any]:
    waivers = {"waiverIds": sorted(gate.waivers)} if gate.waivers else {}
    return {"id": gate.gate, "verdict": gate.verdict, "evidenceDigests": sorted(gate.run_manifests), **waivers}


def _condition(condition: ConditionFacts) -> dict[str, Any]:
    return {
        "id": condition.id,
        "text": condition.text,
        "kind": condition.kind,
        "owner": condition.owner,
        "due": condition.due_date.isoformat(),
        "closingEvidenceRule": condition.closing_rule,
        **_filled(closingDigest=condition.closing_digest),
    }


def _signature(signature: SignatureFacts) -> dict[str, Any]:
    return {
        "seat": signature.seat,
        "person": signature.person,
        "printedName": signature.printed_name,
        "role": signature.role,
        "meaning": signature.meaning,
        "signedAt": time_text(signature.signed_at),
        "zone": signature.zone,
        "authMethod": signature.method,
        "authTime": time_text(signature.authenticated_at),
        "signOffDigest": signature.digest,
        **_filled(reviewDigest=signature.review_digest, reason=signature.reason),
    }


def _filled(**members: str) -> dict[str, str]:
    return {name: value for name, value in members.items() if value}
