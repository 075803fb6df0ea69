"""The form that edits a draft: what of each rule and value may change, and errors beside the field they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from console.kernel.doors import explain
from testruns.gates.policy import Policy
from testruns.gates.registry import GATES, Gate
from testruns.gates.rule import Rule, Severity
from testruns.policy_editing import (
    BLOCKING,
    SEVERITY,
    THRESHOLD,
    VALUES,
    PolicyEditing,
    RuleEdit,
    ValueRule,
    is_threshold_editable,
    may_block,
    problems,
    severities_of,
)
from testruns.units import COUNT, SHARE
from testruns.wording import plain_decimal

SEVERITY_CHOICES = (
    (Severity.MAJOR.value, pgettext_lazy("severity", "major")),
    (Severity.WARNING.value, pgettext_lazy("severity", "warning")),
)
DIGITS_MAX = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleLine:
    """A rule as the form shows it; a part that cannot change has no field."""

    rule: Rule
    threshold: forms.BoundField | None
    blocking: forms.BoundField | None
    severity: forms.BoundField | None

    @property
    def unit(self) -> str:
        """The unit of the rule in the reader's language; counts and shares have none."""
        return "" if self.rule.unit in (COUNT, SHARE) else _(self.rule.unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLines:
    """The rules of one gate."""

    gate: Gate
    lines: tuple[RuleLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueLine:
    """A value as the form shows it, with its bounds in the unit people enter."""

    meaning: ValueRule
    low: str
    high: str
    field: forms.BoundField


class PolicyForm(forms.Form):
    """The parts of a draft that may change. `editing()` is what the action takes; only a valid form has one."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        """`policy` is what the draft says now: the form begins with it."""
        super().__init__(*args, **kwargs)
        self._policy = policy
        self._values = VALUES if policy.suite else {}  # the others are about live runs and releases
        for rule in policy.rules:
            self._add_rule(rule)
        for name, meaning in self._values.items():
            value = Decimal(getattr(policy.values, name)) / meaning.ppm_per_unit
            self.fields[name] = _figure(label=_(meaning.label), value=value)

    def _add_rule(self, rule: Rule) -> None:
        if is_threshold_editable(rule):
            label = _("Threshold of %(code)s") % {"code": rule.code}
            self.fields[_name(rule, THRESHOLD)] = _figure(label=label, value=rule.threshold)
        if may_block(rule):
            label = _("%(code)s blocks from") % {"code": rule.code}
            self.fields[_name(rule, BLOCKING)] = _figure(label=label, value=rule.blocking, is_required=False)
        if len(severities_of(rule)) > 1:
            self.fields[_name(rule, SEVERITY)] = forms.ChoiceField(
                label=_("Severity of %(code)s") % {"code": rule.code},
                choices=SEVERITY_CHOICES,
                initial=rule.severity.value,
            )

    def clean(self) -> dict[str, Any]:
        """Every problem of the change at once, each beside its field."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        for problem in problems(self._policy, editing=self._editing(values)):
            name = str(problem.params["field"]).replace(".", "-")
            self.add_error(name if name in self.fields else None, explain(problem))
        return values

    def editing(self) -> PolicyEditing:
        """The change a valid form asks for."""
        return self._editing(self.cleaned_data)

    def _editing(self, entered: dict[str, Any]) -> PolicyEditing:
        return PolicyEditing(
            rules={rule.code: _rule_edit(rule, entered) for rule in self._policy.rules if self._has_field_of(rule)},
            values={name: _whole(entered[name] * meaning.ppm_per_unit) for name, meaning in self._values.items()},
        )

    def _has_field_of(self, rule: Rule) -> bool:
        return any(_name(rule, part) in self.fields for part in (THRESHOLD, BLOCKING, SEVERITY))

    def gates(self) -> Iterator[GateLines]:
        """The rules gate by gate, with their fields."""
        for code in self._policy.gates:
            rules = [rule for rule in self._policy.rules if rule.gate == code]
            yield GateLines(gate=GATES[code], lines=tuple(self._line(rule) for rule in rules))

    def _line(self, rule: Rule) -> RuleLine:
        return RuleLine(
            rule=rule,
            threshold=self._bound(rule, THRESHOLD),
            blocking=self._bound(rule, BLOCKING),
            severity=self._bound(rule, SEVERITY),
        )

    def _bound(self, rule: Rule, part: str) -> forms.BoundField | None:
        name = _name(rule, part)
        return self[name] if name in self.fields else None

    def value_lines(self) -> Iterator[ValueLine]:
        """The values with their fields; none for a policy of imported results."""
        for name, meaning in self._values.items():
            low, high = (plain_decimal(Decimal(bound) / meaning.ppm_per_unit) for bound in (meaning.low, meaning.high))
            yield ValueLine(meaning=meaning, low=low, high=high, field=self[name])


def _name(rule: Rule, part: str) -> str:
    return f"{rule.code}-{part}"


def _figure(*, label: str, value: Decimal | None, is_required: bool = True) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=is_required,
        max_digits=DIGITS_MAX,
        initial=None if value is None else plain_decimal(value),
        error_messages={
            "required": _("%(label)s: enter a number.") % {"label": label},
            "invalid": _("%(label)s: enter a number, such as 500 or 0.1.") % {"label": label},
        },
    )


def _rule_edit(rule: Rule, entered: dict[str, Any]) -> RuleEdit:
    """What was entered; a part without a field stays as it is."""
    blocking = entered[_name(rule, BLOCKING)] if may_block(rule) else rule.blocking
    return RuleEdit(
        threshold=entered.get(_name(rule, THRESHOLD), rule.threshold),
        severity=Severity(entered.get(_name(rule, SEVERITY), rule.severity.value)),
        blocking=blocking,
    )


def _whole(value: Decimal) -> Any:
    """The whole number a value is; a fraction passes as it is and is refused with the value's bounds."""
    return int(value) if value == value.to_integral_value() else value
