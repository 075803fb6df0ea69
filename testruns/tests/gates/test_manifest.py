"""The run manifest: it binds everything, in one order, and refuses what would bind nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ledger import canonical_bytes, digest_of
from testruns.manifest import InvalidManifest, ManifestAttempt, run_manifest

DIGEST = "ab" * 32
FIRST = ManifestAttempt(
    scenario="credit_storm",
    concurrency=50,
    number=1,
    state="ERRORED",
    evidence={"output": DIGEST, "stderr": "cd" * 32},
    measurements={},
)
SECOND = dataclasses.replace(
    FIRST,
    number=2,
    state="FINISHED",
    measurements={"p95_us": ("80000", "us")},
    journal_head={"seq": 1200, "hash": "ef" * 32},
)


def _manifest(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "run": 7,
        "build": {"name": "gatehouse", "commit": "0" * 40, "tree_digest": DIGEST, "is_clean": True},
        "plan": {"profile": "quick", "seed": 42},
        "policy_digest": DIGEST,
        "environment": {"python": {"version": "3.11.7"}},
        "attempts": [FIRST, SECOND],
        "gates": {"A": "PASS"},
        "rules": {"A01": {"verdict": "PASS", "actual": "0", "sources": []}},
        "recommendation": "GO",
    }
    return run_manifest(**{**values, **changes})


def test_the_exact_bytes_are_pinned() -> None:
    """A manifest signed today must have the same bytes tomorrow."""
    assert digest_of(_manifest()) == "3cd24b64e0af0c86bed9179c538c1d6bf04c932fdf6d5d86b86b6dc61a053d92"


def test_the_order_of_attempts_does_not_matter() -> None:
    """Rows come back in any order; the digest is one."""
    assert canonical_bytes(_manifest(attempts=[SECOND, FIRST])) == canonical_bytes(_manifest())


@pytest.mark.parametrize(
    "changes",
    [
        {"run": 8},
        {"build": {"name": "gatehouse", "commit": "1" * 40, "tree_digest": DIGEST, "is_clean": True}},
        {"plan": {"profile": "quick", "seed": 43}},
        {"policy_digest": "ff" * 32},
        {"environment": {}},
        {"attempts": [FIRST]},
        {"attempts": [FIRST, dataclasses.replace(SECOND, measurements={"p95_us": ("80001", "us")})]},
        {"attempts": [FIRST, dataclasses.replace(SECOND, journal_head=None)]},
        {"attempts": [FIRST, dataclasses.replace(SECOND, evidence={"output": "00" * 32})]},
        {"gates": {"A": "FAIL"}},
        {"rules": {"A01": {"verdict": "FAIL", "actual": "1", "sources": []}}},
        {"recommendation": "NO_GO"},
    ],
)
def test_any_change_changes_the_digest(changes: dict[str, Any]) -> None:
    """Build, plan, policy, environment, every attempt, every result: all are bound."""
    assert digest_of(_manifest(**changes)) != digest_of(_manifest())


@pytest.mark.parametrize("digest", ["", "ab", "AB" * 32, "zz" * 32])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    """A manifest that names nothing would bind nothing."""
    with pytest.raises(InvalidManifest, match="policy"):
        _manifest(policy_digest=digest)
    with pytest.raises(InvalidManifest, match="credit_storm output"):
        _manifest(attempts=[dataclasses.replace(FIRST, evidence={"output": digest})])


def test_an_attempt_named_twice_is_refused() -> None:
    """Two different accounts of one attempt cannot both be true."""
    with pytest.raises(InvalidManifest, match="twice"):
        _manifest(attempts=[FIRST, FIRST])
