"""Two policies compared in words: what changed, and for whom it became harder."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from testruns.gates.policy import Policy, shipped_policy
from testruns.gates.rule import Operator, Severity, Source
from testruns.policy_comparison import Difference, Direction, compare
from testruns.policy_editing import PolicyEditing, edited
from testruns.tests.policies.test_policy_editing import rule_edit
from testruns.wording import spoken

POLICY = shipped_policy()
STRICTER, LOOSER, NEITHER = Direction.STRICTER, Direction.LOOSER, Direction.NEITHER


def said(difference: Difference) -> str:
    return spoken(template=difference.template, params=difference.params)


def replaced(code: str, **changes: Any) -> Policy:
    """The shipped policy with one rule changed in a way no form offers."""
    rules = tuple(dataclasses.replace(rule, **changes) if rule.code == code else rule for rule in POLICY.rules)
    return dataclasses.replace(POLICY, rules=rules)


@pytest.mark.parametrize(
    ("editing", "subject", "direction", "sentence"),
    [
        (rule_edit("E03", threshold=Decimal(800)), "E03", LOOSER, "Expected is < 800 ms instead of < 500 ms."),
        (rule_edit("E03", threshold=Decimal(200)), "E03", STRICTER, "Expected is < 200 ms instead of < 500 ms."),
        (rule_edit("E07", threshold=Decimal(50)), "E07", LOOSER, "Expected is > 50 operations/s instead of > 100"),
        (rule_edit("D08", threshold=Decimal("0.4")), "D08", STRICTER, "Expected is ≥ 0.4 instead of ≥ 0.3."),
        (rule_edit("E08", threshold=Decimal(20)), "E08", LOOSER, "Expected is ≤ 20 % instead of ≤ 10 %."),
        (rule_edit("E05", severity=Severity.WARNING), "E05", LOOSER, "A failure counts as warning instead of major."),
        (rule_edit("E06", severity=Severity.MAJOR), "E06", STRICTER, "A failure counts as major instead of warning."),
        (rule_edit("E03", blocking=None), "E03", LOOSER, "No value blocks a release any more"),
        (rule_edit("E03", blocking=Decimal(2000)), "E03", LOOSER, "from 2,000 ms on instead of from 1,000 ms."),
        (rule_edit("E03", blocking=Decimal(600)), "E03", STRICTER, "from 600 ms on instead of from 1,000 ms."),
        (PolicyEditing(values={"soak_seconds": 600}), "soak_seconds", LOOSER, "600 s instead of 1,800 s."),
        (PolicyEditing(values={"soak_seconds": 3600}), "soak_seconds", STRICTER, "3,600 s instead of 1,800 s."),
        (PolicyEditing(values={"run_age_days": 14}), "run_age_days", LOOSER, "14 days instead of 7 days."),
        (PolicyEditing(values={"waiver_days_max": 7}), "waiver_days_max", STRICTER, "7 days instead of 14 days."),
        (PolicyEditing(values={"confidence_ppm": 990_000}), "confidence_ppm", NEITHER, "99 % instead of 95 %."),
        (PolicyEditing(values={"deciding_runs": 3}), "deciding_runs", STRICTER, "3 runs instead of 2 runs."),
    ],
)
def test_each_change_is_one_sentence_with_its_direction(
    editing: PolicyEditing, subject: str, direction: Direction, sentence: str
) -> None:
    """Figures with units, the old one beside the new one; a soak is said once, not again for its rule."""
    (difference,) = compare(POLICY, edited(POLICY, editing=editing))

    assert (difference.subject, difference.direction) == (subject, direction)
    assert sentence in said(difference)


def test_a_first_blocking_threshold_is_stricter() -> None:
    """Two changes of one rule are two sentences."""
    changed = edited(POLICY, editing=rule_edit("E06", severity=Severity.MAJOR, blocking=Decimal(900)))

    found = compare(POLICY, changed)

    assert [(one.subject, one.direction) for one in found] == [("E06", STRICTER), ("E06", STRICTER)]
    assert said(found[1]) == "It blocks a release from 900 ms on; before, no value blocked."


def test_the_same_rules_under_another_number_have_no_difference() -> None:
    """A number judges nothing."""
    assert compare(POLICY, POLICY.variant(code="other", number=9)) == ()


def test_a_rule_that_came_or_went_is_said() -> None:
    """As between two versions of the console."""
    shorter = dataclasses.replace(POLICY, rules=POLICY.rules[1:])

    (gone,) = compare(POLICY, shorter)
    (new,) = compare(shorter, POLICY)

    assert (gone.subject, gone.direction, said(gone)) == ("A01", LOOSER, "The rule is gone; it asked for = 0.")
    assert (new.subject, new.direction, said(new)) == ("A01", STRICTER, "The rule is new: = 0.")


def test_another_source_or_operator_is_never_passed_over() -> None:
    """No form offers it, but a comparison that stayed silent would be a lie."""
    elsewhere = replaced("E05", sources=(Source("credit_storm", "errors"),))
    turned = replaced("E08", operator=Operator.AT_LEAST, threshold=Decimal(5))

    assert [said(one) for one in compare(POLICY, elsewhere)] == ["It is read or evaluated in another way."]
    assert [one.direction for one in compare(POLICY, turned)] == [NEITHER, NEITHER]
