"""The run manifest: one canonical list of everything a judged run rests on, so that one digest binds it all.

It names build, plan, environment, every attempt with the digests of its raw output and its measurements, the gate
results, the policy and the heads of the journals under test (decisions.md, Runs). Its bytes are
`ledger.canonical_bytes`; its digest is what a release binds. Reports are views and never part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

FORMAT: Final = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


class InvalidManifest(ValueError):
    """A manifest that would not bind what it claims: which part, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestAttempt:
    """One attempt of a scenario execution.

    evidence: digests by role (`output`, `stderr`, `samples`); a role without evidence is left out. measurements: value
    (the reported digits) and unit by name. journal_head: seq and hash of the journal under test, None when the attempt
    did not finish.
    """

    scenario: str
    concurrency: int
    number: int
    state: str
    evidence: Mapping[str, str]
    measurements: Mapping[str, tuple[str, str]]
    journal_head: Mapping[str, Any] | None = None


def run_manifest(
    *,
    run: int,
    build: Mapping[str, Any],
    plan: Mapping[str, Any],
    policy_digest: str,
    environment: Mapping[str, Any],
    attempts: Sequence[ManifestAttempt],
    gates: Mapping[str, str],
    rules: Mapping[str, Mapping[str, Any]],
    recommendation: str,
) -> dict[str, Any]:
    """The manifest of a run as plain values, ready for `ledger.digest_of` and `ledger.canonical_bytes`.

    build: name, commit, tree digest, clean or not. plan: `RunPlan.as_json()`. gates: verdict by gate. rules: verdict,
    actual and sources by rule code. recommendation: the word, empty for a cancelled run. The order of attempts does
    not matter. Raises InvalidManifest for a digest that is none and for an attempt named twice.
    """
    _require_digest("policy", policy_digest)
    ordered = sorted(attempts, key=lambda attempt: (attempt.scenario, attempt.concurrency, attempt.number))
    names = [(attempt.scenario, attempt.concurrency, attempt.number) for attempt in ordered]
    if len(set(names)) != len(names):
        raise InvalidManifest("an attempt is named twice")
    return {
        "format": FORMAT,
        "run": run,
        "build": dict(build),
        "plan": dict(plan),
        "policy": policy_digest,
        "environment": dict(environment),
        "attempts": [_attempt_as_json(attempt) for attempt in ordered],
        "gates": dict(gates),
        "rules": {code: dict(result) for code, result in rules.items()},
        "recommendation": recommendation,
    }


def _attempt_as_json(attempt: ManifestAttempt) -> dict[str, Any]:
    for role, digest in attempt.evidence.items():
        _require_digest(f"{attempt.scenario} {role}", digest)
    return {
        "scenario": attempt.scenario,
        "concurrency": attempt.concurrency,
        "number": attempt.number,
        "state": attempt.state,
        "evidence": dict(attempt.evidence),
        "measurements": {name: {"value": value, "unit": unit} for name, (value, unit) in attempt.measurements.items()},
        "journal_head": None if attempt.journal_head is None else dict(attempt.journal_head),
    }


def _require_digest(what: str, digest: str) -> None:
    if not _DIGEST.fullmatch(digest):
        raise InvalidManifest(f"{what}: {digest!r} is not a SHA-256 in hex")
