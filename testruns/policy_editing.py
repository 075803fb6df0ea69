"""What people may change about a gate policy, by how much, and what is wrong with a change.

Decided here, because the texts leave it open. Critical rules keep threshold and severity: correctness is not a matter
of taste. A threshold that asks for exactly one value ("= 0 errors") is kept too, since another value would ask for
errors; such a rule may be made a warning. The duration rule follows the soak of the policy and keeps its severity, as
a soak can be set but not waived. A release rests on at least two runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from console.kernel.errors import InvalidInput
from ledger import gettext_noop
from testruns.gates.policy import Policy
from testruns.gates.rule import Kind, Operator, Rule, Severity
from testruns.plan import DURATION_SECONDS_MAX
from testruns.units import COUNT, PERCENT, SHARE
from testruns.wording import plain_decimal

THRESHOLD_MAX: Final = Decimal(1_000_000)
DECIMAL_PLACES_MAX: Final = 6
EDITABLE_SEVERITIES: Final = (Severity.MAJOR, Severity.WARNING)

THRESHOLD: Final = "threshold"
BLOCKING: Final = "blocking"
SEVERITY: Final = "severity"


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueRule:
    """What a value of the policy means and may be. stricter: +1 when more is stricter, -1 when less is, 0 neither."""

    label: str
    unit: str
    low: int
    high: int
    stricter: int
    ppm_per_unit: int = 1


VALUES: Mapping[str, ValueRule] = MappingProxyType(
    {
        "soak_seconds": ValueRule(
            label=gettext_noop("Soak of a full run"), unit="s", low=1, high=DURATION_SECONDS_MAX, stricter=1
        ),
        "warmup_seconds": ValueRule(
            label=gettext_noop("Warm-up before memory is looked at"),
            unit="s",
            low=0,
            high=DURATION_SECONDS_MAX,
            stricter=0,
        ),
        "offered_rate": ValueRule(
            label=gettext_noop("Operations offered during the soak"), unit="operations/s", low=1, high=1000, stricter=1
        ),
        "confidence_ppm": ValueRule(
            label=gettext_noop("Confidence of the memory trend"),
            unit=PERCENT,
            low=500_000,
            high=999_000,
            stricter=0,
            ppm_per_unit=10_000,
        ),
        "steal_ppm_max": ValueRule(
            label=gettext_noop("Processor time taken by the hypervisor that counts as noise"),
            unit=PERCENT,
            low=0,
            high=1_000_000,
            stricter=0,
            ppm_per_unit=10_000,
        ),
        "foreign_load_ppm_max": ValueRule(
            label=gettext_noop("Load of other programs that counts as noise"),
            unit=PERCENT,
            low=0,
            high=1_000_000,
            stricter=0,
            ppm_per_unit=10_000,
        ),
        "run_age_days": ValueRule(
            label=gettext_noop("Age of a run that may still decide"),
            unit=gettext_noop("days"),
            low=1,
            high=90,
            stricter=-1,
        ),
        "deciding_runs": ValueRule(
            label=gettext_noop("Full runs in a row that decide"), unit=gettext_noop("runs"), low=2, high=10, stricter=1
        ),
        "release_validity_days": ValueRule(
            label=gettext_noop("Validity of a release"), unit=gettext_noop("days"), low=1, high=365, stricter=-1
        ),
        "request_deadline_days": ValueRule(
            label=gettext_noop("Deadline of a release request"), unit=gettext_noop("days"), low=1, high=90, stricter=-1
        ),
        "waiver_days_max": ValueRule(
            label=gettext_noop("Longest waiver"), unit=gettext_noop("days"), low=0, high=90, stricter=-1
        ),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleEdit:
    """What a rule shall be: all three, changed or not. Thresholds in the unit of the rule."""

    threshold: Decimal
    severity: Severity
    blocking: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyEditing:
    """What a policy shall be: rules by code and values by name; what is not named stays as it is."""

    rules: Mapping[str, RuleEdit] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)


class InvalidPolicyEdit(InvalidInput):
    """A change that a policy cannot have; `field` is `<rule code>.<threshold|blocking|severity>` or a value's name."""

    code = "invalid-policy-edit"


class NoSuchPart(InvalidPolicyEdit):
    """A rule or value the policy does not have."""

    code = "policy-part-unknown"
    message = gettext_noop("%(field)s: the policy has no such rule or value.")


class RuleFixed(InvalidPolicyEdit):
    """A change of a critical rule."""

    code = "policy-rule-fixed"
    message = gettext_noop("%(rule)s is about correctness. Neither its threshold nor its severity can be changed.")


class ThresholdFixed(InvalidPolicyEdit):
    """A change of a threshold that asks for exactly one value."""

    code = "policy-threshold-fixed"
    message = gettext_noop(
        "%(rule)s asks for exactly %(expected)s: another threshold would ask for faults. Make it a warning instead."
    )


class RuleFollowsSoak(InvalidPolicyEdit):
    """A change of the duration rule by itself."""

    code = "policy-rule-follows-soak"
    message = gettext_noop("%(rule)s asks for the soak of the policy. Change the soak; the severity stays.")


class SeverityNotOffered(InvalidPolicyEdit):
    """A severity other than major and warning."""

    code = "policy-severity-not-offered"
    message = gettext_noop("%(rule)s can be major or a warning, not %(severity)s.")


class ThresholdOutOfRange(InvalidPolicyEdit):
    """A threshold that everything or nothing would pass, or that no one can read."""

    code = "policy-threshold-range"
    message = gettext_noop("%(rule)s: %(value)s is refused. Enter a number above 0, at most %(high)s.")


class ThresholdNotWhole(InvalidPolicyEdit):
    """A fraction where things are counted."""

    code = "policy-threshold-not-whole"
    message = gettext_noop("%(rule)s counts: enter a whole number instead of %(value)s.")


class BlockingNotPossible(InvalidPolicyEdit):
    """A blocking threshold for a rule that can have none."""

    code = "policy-blocking-not-possible"
    message = gettext_noop(
        "%(rule)s cannot block from a value on: that takes a major rule that asks for less than something. Clear it."
    )


class BlockingTooLow(InvalidPolicyEdit):
    """Blocking before failing."""

    code = "policy-blocking-too-low"
    message = gettext_noop("%(rule)s would block from %(blocking)s on, before it fails at %(threshold)s. Enter more.")


class PolicyValueOutOfRange(InvalidPolicyEdit):
    """A value outside of what a policy can hold."""

    code = "policy-value-range"
    message = gettext_noop("%(label)s: %(value)s is refused. Enter a whole number from %(low)s to %(high)s.")
    words = ("label",)


class WarmupTooLong(InvalidPolicyEdit):
    """A warm-up that leaves nothing of the soak to look at."""

    code = "policy-warm-up-too-long"
    message = gettext_noop("A warm-up of %(warmup)s s leaves nothing of a soak of %(soak)s s. Enter less.")


def edited(policy: Policy, *, editing: PolicyEditing) -> Policy:
    """The policy with these changes. Raises the first of `problems`; texts, sources and operators never change."""
    for problem in problems(policy, editing=editing):
        raise problem
    values = dataclasses.replace(policy.values, **editing.values)
    rules = tuple(_edited_rule(rule, editing.rules.get(rule.code), soak=values.soak_seconds) for rule in policy.rules)
    return dataclasses.replace(policy, values=values, rules=rules)


def problems(policy: Policy, *, editing: PolicyEditing) -> Iterator[InvalidPolicyEdit]:
    """Everything that is wrong with a change, each with its field."""
    rules = {rule.code: rule for rule in policy.rules}
    for code, edit in editing.rules.items():
        if code not in rules:
            yield NoSuchPart(field=code)
        else:
            yield from _problems_of_rule(rules[code], edit)
    for name, value in editing.values.items():
        if name not in VALUES:
            yield NoSuchPart(field=name)
        else:
            yield from _problems_of_value(name, value)
    soak = editing.values.get("soak_seconds", policy.values.soak_seconds)
    warmup = editing.values.get("warmup_seconds", policy.values.warmup_seconds)
    if warmup >= soak:
        yield WarmupTooLong(field="warmup_seconds", warmup=warmup, soak=soak)


def severities_of(rule: Rule) -> tuple[Severity, ...]:
    """What a rule may be made; only its own severity when that is fixed."""
    is_fixed = rule.severity is Severity.CRITICAL or rule.kind is Kind.DURATION
    return (rule.severity,) if is_fixed else EDITABLE_SEVERITIES


def is_threshold_editable(rule: Rule) -> bool:
    """Whether another threshold makes sense."""
    return rule.severity is not Severity.CRITICAL and rule.kind is not Kind.DURATION and not _is_exact(rule)


def may_block(rule: Rule) -> bool:
    """Whether the rule can have a value from which on it blocks a release, as long as it is major."""
    return rule.operator is Operator.LESS and is_threshold_editable(rule)


def _is_exact(rule: Rule) -> bool:
    return rule.operator is Operator.EQUAL


def _edited_rule(rule: Rule, edit: RuleEdit | None, *, soak: int) -> Rule:
    if rule.kind is Kind.DURATION:
        return dataclasses.replace(rule, threshold=_kept(rule.threshold, Decimal(soak)))
    if edit is None:
        return rule
    return dataclasses.replace(
        rule,
        threshold=_kept(rule.threshold, edit.threshold),
        severity=edit.severity,
        blocking=None if edit.blocking is None else _kept(rule.blocking, edit.blocking),
    )


def _kept(before: Decimal | None, after: Decimal) -> Decimal:
    """The same figure keeps its spelling, so that 0.10 for 0.1 is no change and gives the same digest."""
    return before if before is not None and before == after else Decimal(plain_decimal(after))


def _problems_of_rule(rule: Rule, edit: RuleEdit) -> Iterator[InvalidPolicyEdit]:
    figures = {THRESHOLD: edit.threshold, BLOCKING: edit.blocking}
    unreadable = [part for part, value in figures.items() if value is not None and not value.is_finite()]
    if unreadable:
        yield _out_of_range(rule, unreadable[0], figures[unreadable[0]])
        return
    is_same = (edit.threshold, edit.severity, edit.blocking) == (rule.threshold, rule.severity, rule.blocking)
    if is_same:
        return
    if rule.severity is Severity.CRITICAL:
        yield RuleFixed(field=f"{rule.code}.{THRESHOLD}", rule=rule.code)
        return
    if rule.kind is Kind.DURATION:
        yield RuleFollowsSoak(field=f"{rule.code}.{THRESHOLD}", rule=rule.code)
        return
    if edit.severity not in EDITABLE_SEVERITIES:
        yield SeverityNotOffered(field=f"{rule.code}.{SEVERITY}", rule=rule.code, severity=str(edit.severity))
    of_threshold = list(_problems_of_threshold(rule, edit.threshold))
    yield from of_threshold
    if edit.blocking is not None and not of_threshold:
        yield from _problems_of_blocking(rule, edit)


def _problems_of_threshold(rule: Rule, threshold: Decimal) -> Iterator[InvalidPolicyEdit]:
    if threshold == rule.threshold:
        return
    if _is_exact(rule):
        expected = plain_decimal(rule.threshold)
        yield ThresholdFixed(field=f"{rule.code}.{THRESHOLD}", rule=rule.code, expected=expected)
    else:
        yield from _problems_of_figure(rule, THRESHOLD, threshold)


def _problems_of_blocking(rule: Rule, edit: RuleEdit) -> Iterator[InvalidPolicyEdit]:
    assert edit.blocking is not None, "asked for by the caller"
    name = f"{rule.code}.{BLOCKING}"
    if not may_block(rule) or edit.severity is not Severity.MAJOR:
        yield BlockingNotPossible(field=name, rule=rule.code)
        return
    wrong = list(_problems_of_figure(rule, BLOCKING, edit.blocking))
    yield from wrong
    if not wrong and edit.blocking < edit.threshold:
        blocking, threshold = plain_decimal(edit.blocking), plain_decimal(edit.threshold)
        yield BlockingTooLow(field=name, rule=rule.code, blocking=blocking, threshold=threshold)


def _problems_of_figure(rule: Rule, part: str, value: Decimal) -> Iterator[InvalidPolicyEdit]:
    if not 0 < value <= _highest(rule) or value != round(value, DECIMAL_PLACES_MAX):
        yield _out_of_range(rule, part, value)
    elif rule.unit == COUNT and value != value.to_integral_value():
        yield ThresholdNotWhole(field=f"{rule.code}.{part}", rule=rule.code, value=plain_decimal(value))


def _out_of_range(rule: Rule, part: str, value: Decimal | None) -> ThresholdOutOfRange:
    high = f"{_highest(rule)} {'' if rule.unit in (COUNT, SHARE) else rule.unit}".strip()
    return ThresholdOutOfRange(field=f"{rule.code}.{part}", rule=rule.code, value=str(value), high=high)


def _highest(rule: Rule) -> Decimal:
    return {SHARE: Decimal(1), PERCENT: Decimal(100)}.get(rule.unit, THRESHOLD_MAX)


def _problems_of_value(name: str, value: int) -> Iterator[InvalidPolicyEdit]:
    bounds = VALUES[name]
    if type(value) is not int or not bounds.low <= value <= bounds.high:
        factor = bounds.ppm_per_unit
        yield PolicyValueOutOfRange(
            field=name,
            label=bounds.label,
            value=plain_decimal(Decimal(value) / factor) if type(value) is int else str(value),
            low=bounds.low // factor,
            high=plain_decimal(Decimal(bounds.high) / factor),
        )
