"""What makes a review complete, what it cannot be saved with, and its table of requirements."""

from __future__ import annotations

from typing import Any

import pytest

from console.release_states import ClosingRule, Outcome
from console.review_content import (
    PARTS_MAX,
    TEXT_LENGTH_MAX,
    ProposedCondition,
    ReviewDraft,
    ReviewFinding,
    Risk,
    RiskState,
    RunAnswer,
    missing_of,
    problems_of,
    requirements_of,
    retest,
)
from ledger import canonical_bytes
from testruns.gates.rule import Severity

WHOLE = ReviewDraft(
    scope="everything",
    findings=(ReviewFinding(severity=Severity.MAJOR, text="a lock is held too long"),),
    risks=(Risk(text="the disk fills", state=RiskState.MITIGATED),),
    run_answers=(RunAnswer(run=3, answer="a neighbour took the processor"),),
    readiness=8,
    outcome=Outcome.APPROVE,
)


def draft(**changes: Any) -> ReviewDraft:
    parts = {name: getattr(WHOLE, name) for name in ReviewDraft.__dataclass_fields__}
    return ReviewDraft(**(parts | changes))


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, None),
        ({"scope": "  "}, "what was reviewed"),
        ({"readiness": None}, "from 0 to 10"),
        ({"readiness": 0}, None),
        ({"outcome": None}, "has no outcome"),
        ({"run_answers": ()}, "red or unfinished"),
        ({"run_answers": (RunAnswer(run=3, answer=" "),)}, "red or unfinished"),
        ({"run_answers": (RunAnswer(run=4, answer="another one"),)}, "red or unfinished"),
        ({"outcome": Outcome.CONDITIONAL}, "proposes no condition"),
        ({"outcome": Outcome.CONDITIONAL, "proposed_conditions": (retest(),)}, None),
        ({"outcome": Outcome.REJECT}, None),
    ],
)
def test_a_review_is_signed_when_nothing_is_missing(changes: dict[str, Any], missing: str | None) -> None:
    """Scope, readiness, outcome, an answer for each red run, and conditions where it asks for some."""
    found = missing_of(draft(**changes).as_json(), to_answer=[3])

    assert found is None if missing is None else found is not None and missing in found


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"findings": (WHOLE.findings[0],) * (PARTS_MAX + 1)}, "findings"),
        ({"findings": (ReviewFinding(severity=Severity.MAJOR, text=" "),)}, "findings"),
        ({"risks": (Risk(text="x" * (TEXT_LENGTH_MAX + 1), state=RiskState.OPEN),)}, "risks"),
        ({"run_answers": (RunAnswer(run=1, answer="a\0b"),)}, "run_answers"),
        ({"scope": "x" * (TEXT_LENGTH_MAX + 1)}, "scope"),
        ({"criteria": "a\0b"}, "scope"),
        ({"readiness": 11}, "readiness"),
        ({"readiness": -1}, "readiness"),
        ({"proposed_conditions": (ProposedCondition(text="soon", due_days=-1),)}, "proposed_conditions"),
    ],
)
def test_what_a_draft_cannot_even_be_saved_with(changes: dict[str, Any], field: str) -> None:
    """Too many, too long, empty, out of range: the field is named."""
    assert [name for name, _ in problems_of(draft(**changes))] == [field]


def test_a_sound_draft_has_no_problems() -> None:
    """Everything else may be missing until it is signed."""
    assert list(problems_of(WHOLE)) == []
    assert list(problems_of(ReviewDraft(scope=""))) == []


def test_a_draft_becomes_plain_values() -> None:
    """What is stored and signed holds no enums and no tuples."""
    plain = WHOLE.as_json()

    assert plain["findings"][0]["severity"] == "major"
    assert plain["risks"] == [{"text": "the disk fills", "state": "MITIGATED"}]
    assert plain["outcome"] == "APPROVE"
    assert type(plain["outcome"]) is str
    assert canonical_bytes(plain)


def test_the_retest_is_closed_by_a_go_run_within_a_week() -> None:
    """The condition that is proposed for every CONDITIONAL."""
    assert (retest().closing_rule, retest().due_days) == (ClosingRule.GO_RUN, 7)


def test_the_requirements_are_filled_from_the_rules() -> None:
    """Requirement, target, actual and gap of each rule, in the order of their codes."""
    rule = {"verdict": "FAIL", "operator": "<", "expected": "500", "actual": "700", "margin": "-0.4", "unit": "ms"}

    table = requirements_of({"rules": {"E03": rule, "A01": rule | {"actual": ""}, "Z99": rule}})

    assert [row["code"] for row in table] == ["A01", "E03", "Z99"]
    assert (table[1]["target"], table[1]["actual"], table[1]["gap"]) == ("< 500", "700", "-0.4")
    assert table[1]["requirement"].endswith("?")
