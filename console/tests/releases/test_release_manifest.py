"""The release manifest, and how two of them differ in words."""

from __future__ import annotations

from typing import Any

import pytest

from console.release_manifest import compose, difference
from ledger import canonical_bytes, digest_of
from testruns.wording import spoken

RUN: dict[str, Any] = {
    "run": 1,
    "manifest": "a" * 64,
    "state": "JUDGED",
    "recommendation": "GO",
    "profile": "full",
    "seed": 1,
    "policy": "p" * 64,
    "requested_by": 3,
    "is_full": True,
    "is_deciding": True,
    "needs_answer": False,
}
RULE = {
    "verdict": "PASS",
    "severity": "major",
    "operator": "<",
    "expected": "500",
    "actual": "125",
    "margin": "0.75",
    "unit": "ms",
}
WAIVER = {
    "id": 4,
    "rule": "E05",
    "requested_by": 3,
    "approved_by": 5,
    "expires_at": "2026-03-20T00:00:00+00:00",
    "reason": "known and small",
}


def manifest(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "phase": "5a",
        "definition": {"number": 1, "digest": "a" * 64, "checks": ["journal"], "edited_by": None},
        "build": {"name": "gatehouse", "commit": "c" * 40, "tree_digest": "d" * 64, "is_clean": True},
        "policy": {"code": "shipped", "number": 1, "digest": "e" * 64},
        "runs": [RUN, RUN | {"run": 2, "seed": 2}],
        "selection": {"full": 2, "green": 2, "missing": []},
        "gates": {"A": "PASS", "E": "PASS"},
        "rules": {"E05": RULE},
        "waivers": [],
        "recommendation": "GO",
        "environment": {"machine": {"cores": 2, "processor": "AMD EPYC"}},
        "live": {"seq": 10, "hash": "f" * 64},
        "predecessors": [{"phase": "5a", "decision": "b" * 64, "state": "GO"}],
    }
    return compose(**(values | changes))


def differences(**changes: Any) -> list[str]:
    found = difference(manifest(), manifest(**changes))
    return [spoken(template=text["template"], params=text["params"]) for text in found]


def test_the_bytes_do_not_depend_on_the_order_of_what_is_listed() -> None:
    """Two requests on the same evidence have the same digest."""
    assert canonical_bytes(manifest()) == canonical_bytes(manifest(runs=[RUN | {"run": 2, "seed": 2}, RUN]))


@pytest.mark.parametrize("name", sorted(manifest()))
def test_every_part_is_bound_by_the_digest(name: str) -> None:
    """Nothing can be exchanged under the same digest."""
    assert digest_of(manifest() | {name: "something else"}) != digest_of(manifest())


def test_the_same_evidence_differs_in_nothing() -> None:
    """No difference, no words."""
    assert differences() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"build": {"name": "gatehouse", "commit": "9" * 40, "tree_digest": "d" * 64, "is_clean": True}},
            ["another build: gatehouse cccccccccccc before, gatehouse 999999999999 now"],
        ),
        (
            {"policy": {"code": "shipped", "number": 2, "digest": "0" * 64}},
            ["another gate policy: 1 (eeeeeeeeeeee) before, 2 (000000000000) now"],
        ),
        (
            {"definition": {"number": 2, "digest": "b" * 64, "checks": [], "edited_by": 3}},
            ["another definition of the phase: 1 (aaaaaaaaaaaa) before, 2 (bbbbbbbbbbbb) now"],
        ),
        ({"recommendation": "CONDITIONAL"}, ["the recommendation: GO before, CONDITIONAL now"]),
        ({"gates": {"A": "PASS", "E": "FAIL"}}, ["gate E: PASS before, FAIL now"]),
        (
            {"rules": {"E05": RULE | {"verdict": "FAIL", "actual": "700"}}},
            ["rule E05: PASS before, FAIL now (125 ms, then 700 ms)"],
        ),
        ({"rules": {"E05": RULE | {"margin": "0.5"}}}, ["rule E05: margin 75 % before, 50 % now (PASS)"]),
        (
            {"runs": [RUN, RUN | {"run": 2, "is_deciding": False}, RUN | {"run": 3, "recommendation": "NO_GO"}]},
            ["run #3 is new: judged, recommendation NO_GO", "deciding runs: #1, #2 before, #1, #3 now"],
        ),
        (
            {"runs": [RUN, RUN | {"run": 2}, *(RUN | {"run": n, "is_deciding": False} for n in range(3, 30))]},
            ["27 runs are new, #3 to #29"],
        ),
        ({"runs": [RUN]}, ["run #2 is no longer listed", "deciding runs: #1, #2 before, #1 now"]),
        ({"waivers": [WAIVER]}, ["waiver W-4 for rule E05 is new, valid until 2026-03-20 00:00:00 UTC"]),
        (
            {"environment": {"machine": {"cores": 4, "processor": "AMD EPYC"}}},
            ["environment, machine.cores: 2 before, 4 now"],
        ),
        (
            {"predecessors": [{"phase": "5a", "decision": "b" * 64, "state": "LAPSED"}]},
            ["phase 5a: GO before, LAPSED now"],
        ),
        ({"live": {"seq": 12, "hash": "f" * 64}}, ["the live journal: event 10 before, event 12 now"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_difference_is_said_in_words(changes: dict[str, Any], said: list[str]) -> None:
    """Gates, margins, runs, policy, waivers, environment: what changed since, one sentence each."""
    assert differences(**changes) == said


def test_a_waiver_that_no_longer_counts_is_said() -> None:
    """And what was never measured is no zero."""
    found = difference(manifest(waivers=[WAIVER], rules={}), manifest())
    words = [spoken(template=text["template"], params=text["params"]) for text in found]

    assert "waiver W-4 for rule E05 no longer counts" in words
    assert "rule E05: none before, PASS now (not measured, then 125 ms)" in words
