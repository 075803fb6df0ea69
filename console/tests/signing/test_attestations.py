"""The exact bytes of a certificate: what other tools read, and what can never change unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from console.attestations import decision_statement, summary_statement, time_text
from console.tests.signing.certificates import CONDITIONAL_FACTS, FACTS, decision_envelope, sha256, summary_envelope
from ledger import canonical_bytes


def test_the_bytes_of_a_decision_are_pinned() -> None:
    """A change of these digests is a change of format and needs a new version of the predicate."""
    assert sha256(decision_statement(FACTS)) == "5ca0468238b4a6da41aec83f8998c3da79f3c8fa92895b04640fe7eac02886ee"
    assert (
        sha256(decision_statement(CONDITIONAL_FACTS))
        == "e2d8f0949b666b0bfd39eb661bf34f28e6b834527d5a246f04eee6de4628a536"
    )
    assert sha256(decision_envelope().encode()) == "6313c23d97484b5e5d129a3b797dcb3aa536680cb2b626d991d8546929bacd82"
    assert sha256(summary_envelope().encode()) == "b39e7ff29d7e63d83d27c086fd531a59dcbaa988b618fe121408b3b53ab596fb"


def test_a_decision_is_an_in_toto_statement_about_the_manifest() -> None:
    """Subject and predicate bind the same manifest; every member of the predicate has its place."""
    statement = json.loads(decision_statement(CONDITIONAL_FACTS))

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://gatehouse.example/attestation/release-decision/v1"
    assert statement["subject"] == [
        {"name": "release-manifest.json", "digest": {"sha256": CONDITIONAL_FACTS.manifest_digest}}
    ]
    decision = statement["predicate"]
    assert decision["manifestDigest"] == CONDITIONAL_FACTS.manifest_digest
    assert decision["phase"] == "urn:gatehouse:phase:5a"
    assert decision["decision"] == "CONDITIONAL"
    assert decision["conditions"] == [
        {
            "id": "C1",
            "text": "Re-test within 7 days",
            "kind": "AFTER_USE",
            "owner": "Tess Tester",
            "due": "2026-01-22",
            "closingEvidenceRule": "GO_RUN",
        }
    ]
    assert decision["auditChain"] == {"index": 1042, "head": "f" * 64}
    assert [one["printedName"] for one in decision["signatures"]] == [
        "Erin Engineer",
        "Tess Tester",
        "Rae Reviewer",
        "Sünje Supervisor",
    ]
    assert [("reviewDigest" in one, "reason" in one) for one in decision["signatures"]] == [
        (False, False),
        (False, False),
        (True, False),
        (False, False),
    ]


def test_waived_gates_name_their_waivers_and_gates_stand_in_order() -> None:
    """The true verdict with what made it tolerable; the order of the facts changes nothing."""
    gates = json.loads(decision_statement(FACTS))["predicate"]["gates"]

    assert [(gate["id"], gate["verdict"], gate.get("waiverIds")) for gate in gates] == [
        ("A", "PASS", None),
        ("B", "WAIVED", ["W-3"]),
    ]
    shuffled = replace(FACTS, gates=FACTS.gates[::-1], evidence=(*FACTS.evidence[::-1], FACTS.evidence[0]))
    assert decision_statement(shuffled) == decision_statement(FACTS)


def test_a_go_has_a_summary_that_other_tools_understand() -> None:
    """A SLSA verification summary with the decision's envelope as its only input."""
    body = summary_statement(FACTS, decision_envelope_digest="9" * 64)

    assert body is not None
    statement = json.loads(body)
    assert body == canonical_bytes(statement)
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert statement["subject"] == json.loads(decision_statement(FACTS))["subject"]
    assert statement["predicate"] == {
        "verifier": {"id": "https://gatehouse.example/verifier/v1"},
        "timeVerified": "2026-01-15T12:00:00.000000Z",
        "resourceUri": "urn:gatehouse:phase:5a",
        "policy": {"uri": "urn:gatehouse:policy:release:1", "digest": {"sha256": FACTS.policy.digest}},
        "inputAttestations": [{"uri": f"urn:gatehouse:decision:{FACTS.digest}", "digest": {"sha256": "9" * 64}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["GATEHOUSE_RELEASED"],
    }


@pytest.mark.parametrize("word", ["CONDITIONAL", "NO_GO", ""])
def test_nothing_but_a_go_has_a_summary(word: str) -> None:
    """Who knows only summaries stays closed."""
    assert summary_statement(replace(FACTS, word=word), decision_envelope_digest="9" * 64) is None


def test_times_are_written_in_utc_and_never_without_a_zone() -> None:
    """The same instant is the same text wherever it was taken; a naive time is refused."""
    berlin = datetime(2026, 1, 15, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))

    assert time_text(berlin) == "2026-01-15T12:00:00.000005Z"
    with pytest.raises(ValueError, match="zone"):
        time_text(berlin.replace(tzinfo=None))
