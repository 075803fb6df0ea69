"""Certificates for tests: facts with fixed values, signed by fixed keys, and the files they are handed out as."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console import dsse
from console.attestations import (
    BuildFacts,
    ConditionFacts,
    DecisionFacts,
    GateFacts,
    PolicyFacts,
    SignatureFacts,
    decision_statement,
    summary_statement,
)
from console.certificate.bundle import BundleFile, envelope_lines, write_bundle
from console.certificate.status import PAYLOAD_TYPE, CertificateStatus, Standing, Status, listed, status_bytes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = {dsse.key_id_of(KEY.public_key()): KEY.public_key()}
DECIDED = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
NOW = DECIDED + timedelta(days=1)
MANIFEST, OUTPUT, POLICY = b'{"build":"b"}', b"what the child wrote", b'{"policy":1}'


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def signature(seat: str, number: int, name: str) -> SignatureFacts:
    """A signature of a person of this name."""
    return SignatureFacts(
        seat=seat,
        person=f"user:{number}",
        printed_name=name,
        role=seat.lower(),
        meaning="approval",
        signed_at=DECIDED - timedelta(hours=5 - number),
        zone="Europe/Berlin",
        method="password",
        authenticated_at=DECIDED - timedelta(hours=5 - number),
        digest=sha256(seat.encode()),
        review_digest=sha256(b"review") if seat == "REVIEWER" else "",
    )


CONDITION = ConditionFacts(
    id="C1",
    text="Re-test within 7 days",
    kind="AFTER_USE",
    owner="Tess Tester",
    due_date=date(2026, 1, 22),
    closing_rule="GO_RUN",
)
FACTS = DecisionFacts(
    base="https://gatehouse.example",
    phase="5a",
    build=BuildFacts(name="gatehouse", commit="c" * 40, tree_digest="d" * 64, is_clean=True),
    word="GO",
    number=1,
    digest="e" * 64,
    reason="",
    decided_at=DECIDED,
    valid_until=DECIDED + timedelta(days=30),
    manifest_digest=sha256(MANIFEST),
    policy=PolicyFacts(code="release", number=1, digest=sha256(POLICY)),
    gates=(
        GateFacts(gate="B", verdict="WAIVED", run_manifests=("1" * 64, "2" * 64), waivers=("W-3",)),
        GateFacts(gate="A", verdict="PASS", run_manifests=("1" * 64, "2" * 64)),
    ),
    conditions=(),
    signatures=(
        signature("ENGINEER", 1, "Erin Engineer"),
        signature("TESTER", 2, "Tess Tester"),
        signature("REVIEWER", 3, "Rae Reviewer"),
        signature("SUPERVISOR", 4, "Sünje Supervisor"),
    ),
    evidence=(sha256(OUTPUT), sha256(POLICY)),
    audit_index=1042,
    audit_head="f" * 64,
)
CONDITIONAL_FACTS = replace(
    FACTS, word="CONDITIONAL", reason="One warning is left.", conditions=(CONDITION,), gates=FACTS.gates[1:]
)


def decision_envelope(facts: DecisionFacts = FACTS, *, key: Ed25519PrivateKey = KEY) -> str:
    """The certificate of these facts."""
    return dsse.sign(payload_type=dsse.IN_TOTO, body=decision_statement(facts), key=key).as_text()


def summary_envelope(facts: DecisionFacts = FACTS, *, key: Ed25519PrivateKey = KEY) -> str:
    """The summary that belongs to it; empty for what is not GO."""
    body = summary_statement(facts, decision_envelope_digest=sha256(decision_envelope(facts, key=key).encode()))
    return dsse.sign(payload_type=dsse.IN_TOTO, body=body, key=key).as_text() if body is not None else ""


def bundle(*extra: BundleFile, facts: DecisionFacts = FACTS, without: bytes = b"", **changed: bytes) -> bytes:
    """The whole bundle, with more files, without one, or with one whose bytes are changed (by kind)."""
    contents: dict[str, bytes] = {"manifest": MANIFEST, "evidence": OUTPUT, "policy": POLICY}
    files = [
        BundleFile(name=f"{kind}/{sha256(content)}.json", content=changed.get(kind, content))
        for kind, content in contents.items()
        if content != without
    ]
    target = io.BytesIO()
    lines = envelope_lines(decision_envelope(facts), summary_envelope(facts))
    write_bundle(target=target, envelopes=lines, files=[*files, *extra])
    return target.getvalue()


def status(facts: DecisionFacts = FACTS, *, at: datetime = NOW, **entry: Any) -> Status:
    """How this certificate stands; STANDS unless said otherwise."""
    one = CertificateStatus(certificate=sha256(decision_statement(facts)), **({"standing": Standing.STANDS} | entry))
    return Status(at=at, certificates=listed([one]), audit_index=7, audit_head="a" * 64)


def status_file(status: Status, *, key: Ed25519PrivateKey = KEY) -> bytes:
    """The signed file of a status."""
    return dsse.sign(payload_type=PAYLOAD_TYPE, body=status_bytes(status), key=key).as_text().encode()
