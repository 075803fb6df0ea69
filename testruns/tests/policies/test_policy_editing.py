"""What people may change about a policy: correctness stays, the rest within bounds, and every refusal says why."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testruns.gates.policy import Policy, PolicyValues, from_json, shipped_policy
from testruns.gates.rule import Kind, Operator, Rule, Severity
from testruns.policy_editing import (
    VALUES,
    InvalidPolicyEdit,
    PolicyEditing,
    RuleEdit,
    edited,
    is_threshold_editable,
    may_block,
    problems,
    severities_of,
)

POLICY = shipped_policy()
RULES = {rule.code: rule for rule in POLICY.rules}


def rule_edit(code: str, **changes: Any) -> PolicyEditing:
    """The rule as it is, with these parts changed."""
    rule = RULES[code]
    parts = {"threshold": rule.threshold, "severity": rule.severity, "blocking": rule.blocking, **changes}
    return PolicyEditing(rules={code: RuleEdit(**parts)})


def codes_of(editing: PolicyEditing) -> list[str]:
    return [problem.code for problem in problems(POLICY, editing=editing)]


def rule_of(policy: Policy, code: str) -> Rule:
    return next(rule for rule in policy.rules if rule.code == code)


def test_a_threshold_a_blocking_threshold_and_a_severity_are_changed_together() -> None:
    """The new content has a new digest and is read back from its bytes as what it is."""
    changed = edited(POLICY, editing=rule_edit("E03", threshold=Decimal(400), blocking=Decimal(900)))
    again = edited(
        changed, editing=PolicyEditing(rules={"E08": RuleEdit(threshold=Decimal(5), severity=Severity.MAJOR)})
    )

    assert (rule_of(again, "E03").threshold, rule_of(again, "E03").blocking) == (Decimal(400), Decimal(900))
    assert rule_of(again, "E08").severity is Severity.MAJOR
    assert again.digest not in (POLICY.digest, changed.digest)
    assert from_json(again.canonical()).digest == again.digest


def test_the_duration_rule_follows_the_soak() -> None:
    """One figure, not two that could contradict each other."""
    changed = edited(POLICY, editing=PolicyEditing(values={"soak_seconds": 600}))

    assert rule_of(changed, "E02").threshold == 600
    assert changed.values.soak_seconds == 600


@pytest.mark.parametrize("spelling", ["500", "500.0", "5E+2", "500.000000"])
def test_the_same_figure_in_another_spelling_is_no_change(spelling: str) -> None:
    """Otherwise saving a form would make a new policy."""
    assert edited(POLICY, editing=rule_edit("E03", threshold=Decimal(spelling))).digest == POLICY.digest


@pytest.mark.parametrize("rule", [rule for rule in POLICY.rules if rule.severity is Severity.CRITICAL])
def test_a_critical_rule_keeps_threshold_and_severity(rule: Rule) -> None:
    """Neither more room, nor another word for the same failure."""
    assert codes_of(rule_edit(rule.code, threshold=rule.threshold + 1)) == ["policy-rule-fixed"]
    assert codes_of(rule_edit(rule.code, severity=Severity.MAJOR)) == ["policy-rule-fixed"]
    assert codes_of(rule_edit(rule.code, severity=Severity.WARNING)) == ["policy-rule-fixed"]
    assert codes_of(rule_edit(rule.code)) == []


@pytest.mark.parametrize(
    ("editing", "codes"),
    [
        (rule_edit("E05", threshold=Decimal(3)), ["policy-threshold-fixed"]),
        (rule_edit("D10", threshold=Decimal(0)), ["policy-threshold-fixed"]),
        (rule_edit("E05", severity=Severity.WARNING), []),
        (rule_edit("E05", severity=Severity.CRITICAL), ["policy-severity-not-offered"]),
        (rule_edit("E02", threshold=Decimal(60)), ["policy-rule-follows-soak"]),
        (rule_edit("E02", severity=Severity.WARNING), ["policy-rule-follows-soak"]),
        (rule_edit("E03", threshold=Decimal(0)), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal(-1)), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal("NaN")), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal("Infinity")), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal("1e40")), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal("0.0000001")), ["policy-threshold-range"]),
        (rule_edit("E03", threshold=Decimal(1200)), ["policy-blocking-too-low"]),
        (rule_edit("E03", blocking=Decimal(499)), ["policy-blocking-too-low"]),
        (rule_edit("E03", blocking=None), []),
        (rule_edit("E03", blocking=Decimal("NaN")), ["policy-threshold-range"]),
        (rule_edit("E03", severity=Severity.WARNING), ["policy-blocking-not-possible"]),
        (rule_edit("E03", severity=Severity.WARNING, blocking=None), []),
        (rule_edit("E06", blocking=Decimal(900)), ["policy-blocking-not-possible"]),
        (rule_edit("E06", severity=Severity.MAJOR, blocking=Decimal(900)), []),
        (rule_edit("E07", severity=Severity.MAJOR, blocking=Decimal(900)), ["policy-blocking-not-possible"]),
        (rule_edit("D08", threshold=Decimal("1.5")), ["policy-threshold-range"]),
        (rule_edit("D11", threshold=Decimal(101)), ["policy-threshold-range"]),
        (rule_edit("D04", threshold=Decimal("1.5")), ["policy-threshold-not-whole"]),
        (rule_edit("D04", threshold=Decimal(0)), ["policy-threshold-range"]),
        (
            PolicyEditing(rules={"Z01": RuleEdit(threshold=Decimal(1), severity=Severity.MAJOR)}),
            ["policy-part-unknown"],
        ),
        (PolicyEditing(values={"sloppiness": 1}), ["policy-part-unknown"]),
        (PolicyEditing(values={"soak_seconds": 0}), ["policy-value-range", "policy-warm-up-too-long"]),
        (PolicyEditing(values={"soak_seconds": 7201}), ["policy-value-range"]),
        (PolicyEditing(values={"soak_seconds": 300}), ["policy-warm-up-too-long"]),
        (PolicyEditing(values={"soak_seconds": 3, "warmup_seconds": 0}), []),
        (PolicyEditing(values={"deciding_runs": 1}), ["policy-value-range"]),
        (PolicyEditing(values={"confidence_ppm": 1_000_000}), ["policy-value-range"]),
        (PolicyEditing(values={"release_validity_days": 0}), ["policy-value-range"]),
        (PolicyEditing(values={"waiver_days_max": 0}), []),
    ],
)
def test_what_a_policy_cannot_have_is_refused_with_the_reason(editing: PolicyEditing, codes: list[str]) -> None:
    """Thresholds that ask for faults or let everything pass, values out of bounds, and parts nobody knows."""
    assert codes_of(editing) == codes


def test_the_first_problem_stops_the_edit_and_names_its_field() -> None:
    """The sentence says what to enter instead."""
    with pytest.raises(InvalidPolicyEdit, match="E03 would block from 499 on, before it fails at 500") as refusal:
        edited(POLICY, editing=rule_edit("E03", blocking=Decimal(499)))

    assert refusal.value.params["field"] == "E03.blocking"


def test_every_value_of_a_policy_can_be_edited_and_has_the_shipped_value_within_its_bounds() -> None:
    """A value without bounds, or a shipped one outside of them, would be a mistake of this table."""
    shipped = PolicyValues()

    assert set(VALUES) == {field.name for field in dataclasses.fields(PolicyValues)}
    assert all(rule.low <= getattr(shipped, name) <= rule.high for name, rule in VALUES.items())


def test_what_the_form_offers_is_what_the_rules_allow() -> None:
    """Nothing is offered that would be refused for every entry."""
    assert {rule.code for rule in POLICY.rules if may_block(rule)} == {"C04", "E03", "E04", "E06"}
    for rule in POLICY.rules:
        for severity in severities_of(rule):
            blocking = rule.blocking if severity is rule.severity else None
            assert codes_of(rule_edit(rule.code, severity=severity, blocking=blocking)) == []
        is_refused = bool(codes_of(rule_edit(rule.code, threshold=rule.threshold * Decimal("0.5") or Decimal(1))))
        assert is_refused is not (is_threshold_editable(rule) and rule.unit != "count")


@given(
    code=st.sampled_from(sorted(RULES)),
    threshold=st.decimals(allow_nan=True, allow_infinity=True),
    blocking=st.none() | st.decimals(allow_nan=True, allow_infinity=True),
    severity=st.sampled_from(Severity),
    values=st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(-10, 10_000_000), max_size=4),
)
def test_no_edit_ever_softens_correctness_or_makes_a_policy_nobody_can_read(
    code: str, threshold: Decimal, blocking: Decimal | None, severity: Severity, values: dict[str, int]
) -> None:
    """Whatever is entered: it is refused with a reason, or the result keeps critical rules and reads back the same."""
    edit = RuleEdit(threshold=threshold, severity=severity, blocking=blocking)

    try:
        changed = edited(POLICY, editing=PolicyEditing(rules={code: edit}, values=values))
    except InvalidPolicyEdit as refusal:
        assert refusal.params["field"]
        return

    kept = [rule for rule in changed.rules if RULES[rule.code].severity is Severity.CRITICAL]
    assert kept == [rule for rule in POLICY.rules if rule.severity is Severity.CRITICAL]
    assert [rule.code for rule in changed.rules] == [rule.code for rule in POLICY.rules]
    assert all(rule.operator is RULES[rule.code].operator for rule in changed.rules)
    assert all(
        rule.threshold == RULES[rule.code].threshold for rule in changed.rules if rule.operator is Operator.EQUAL
    )
    assert all(rule.threshold == changed.values.soak_seconds for rule in changed.rules if rule.kind is Kind.DURATION)
    assert from_json(changed.canonical()).digest == changed.digest


@pytest.mark.parametrize("rule", [rule for rule in POLICY.rules if is_threshold_editable(rule) or may_block(rule)])
def test_the_texts_of_a_rule_hold_whatever_its_threshold_and_severity_are(rule: Rule) -> None:
    """A question that spelled the shipped figure would be untrue under another policy; the figure stands beside it."""
    figures = {str(rule.threshold), str(rule.blocking), f"{rule.threshold} {rule.unit}"}
    words = set(re.findall(r"[\d.]*\d", rule.question))

    assert not words & figures
    assert not re.search(r"warning|critical|blocks a release", f"{rule.question} {rule.help}", re.IGNORECASE)
