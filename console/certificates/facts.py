"""The facts of a decision, from its rows: what the statement of a certificate is built from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from console.attestations import (
    BuildFacts,
    ConditionFacts,
    DecisionFacts,
    GateFacts,
    PolicyFacts,
    SignatureFacts,
)
from console.certificates.pieces import evidence_of
from console.kernel.audit import Head
from console.models import Condition, Decision, SignOff
from console.release_states import Seat
from console.releases import conditions_of, is_closed, standing_sign_offs


def facts_of(decision: Decision, *, base: str, head: Head) -> DecisionFacts:
    """What the certificate of this decision says. base: the address of our types; head: of the audit chain now.

    ValueError for a decision that releases nothing: it has no end of validity.
    """
    if decision.valid_until is None:
        raise ValueError(f"{decision.word} releases nothing and has no certificate")
    request = decision.request
    manifest = json.loads(request.manifest)
    return DecisionFacts(
        base=base,
        phase=request.phase.code,
        build=BuildFacts(
            name=request.build.name,
            commit=request.build.commit,
            tree_digest=request.build.tree_digest,
            is_clean=request.build.is_clean,
        ),
        word=decision.word,
        number=decision.number,
        digest=decision.digest,
        reason=decision.reason,
        decided_at=decision.decided_at,
        valid_until=decision.valid_until,
        manifest_digest=request.manifest_digest,
        policy=PolicyFacts(code=request.policy.code, number=request.policy.number, digest=request.policy.digest),
        gates=tuple(_gates(manifest)),
        conditions=tuple(_condition(one) for one in conditions_of(request)),
        signatures=tuple(_signature(one) for one in _sign_offs(decision)),
        evidence=evidence_of(decision),
        audit_index=head.index,
        audit_head=head.hash,
    )


def condition_id(condition: Condition) -> str:
    """How certificates and status files name a condition of a decision."""
    return f"C{condition.number}"


def _gates(manifest: dict[str, Any]) -> Iterator[GateFacts]:
    """A gate rests on the deciding runs; a waiver belongs to the gate whose rule it names (`E04` is of gate E)."""
    runs = tuple(run["manifest"] for run in manifest["runs"] if run["is_deciding"])
    for gate, verdict in manifest["gates"].items():
        waivers = (f"W-{one['id']}" for one in manifest["waivers"] if one["rule"].rstrip("0123456789") == gate)
        yield GateFacts(gate=gate, verdict=verdict, run_manifests=runs, waivers=tuple(waivers))


def _sign_offs(decision: Decision) -> list[SignOff]:
    """In the order of the seats; the supervisor's is the one that made this decision."""
    seated = {**standing_sign_offs(decision.request), Seat.SUPERVISOR: decision.sign_off}
    return [seated[seat] for seat in Seat if seat in seated]


def _condition(condition: Condition) -> ConditionFacts:
    return ConditionFacts(
        id=condition_id(condition),
        text=condition.text,
        kind=condition.kind,
        owner=str(condition.owner),
        due_date=condition.due_date,
        closing_rule=condition.closing_rule,
        closing_digest=condition.confirmation.closing.digest if is_closed(condition) else "",
    )


def _signature(sign_off: SignOff) -> SignatureFacts:
    return SignatureFacts(
        seat=sign_off.seat,
        person=f"user:{sign_off.person_id}",
        printed_name=sign_off.printed_name,
        role=sign_off.role,
        meaning=sign_off.meaning,
        signed_at=sign_off.signed_at,
        zone=sign_off.zone,
        method=sign_off.method,
        authenticated_at=sign_off.authenticated_at,
        digest=sign_off.digest,
        review_digest=sign_off.review_digest,
        reason=sign_off.reason,
    )
