"""Two gate policies compared in words: per rule and value what changed, and whether that is stricter or looser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from ledger import gettext_noop
from testruns.gates.policy import Policy
from testruns.gates.rule import Kind, Operator, Rule, Severity
from testruns.policy_editing import VALUES
from testruns.wording import plain_decimal

_NEW: Final = gettext_noop("The rule is new: %(expected)s.")
_GONE: Final = gettext_noop("The rule is gone; it asked for %(expected)s.")
_THRESHOLD: Final = gettext_noop("Expected is %(after)s instead of %(before)s.")
_SEVERITY: Final = gettext_noop("A failure counts as %(after)s instead of %(before)s.")
_BLOCKS: Final = gettext_noop("It blocks a release from %(after)s on; before, no value blocked.")
_BLOCKS_NO_MORE: Final = gettext_noop("No value blocks a release any more; before, it blocked from %(before)s on.")
_BLOCKS_ELSEWHERE: Final = gettext_noop("It blocks a release from %(after)s on instead of from %(before)s.")
_READ_ELSEWHERE: Final = gettext_noop("It is read or evaluated in another way.")
_VALUE: Final = gettext_noop("%(after)s instead of %(before)s.")


class Direction(StrEnum):
    """What a change means for those who want a release."""

    STRICTER = "stricter"
    LOOSER = "looser"
    NEITHER = "neither"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One change: of a rule (its code) or a value (its name), as a template with parameters (`testruns.wording`)."""

    subject: str
    is_rule: bool
    template: str
    params: Mapping[str, Any]
    direction: Direction


def compare(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """What is different in `after`: rules in their order, then values. Empty when both judge alike.

    A duration rule follows the soak, so only the soak is listed.
    """
    return (*_rules(before, after), *_values(before, after))


def _rules(before: Policy, after: Policy) -> Iterator[Difference]:
    old = {rule.code: rule for rule in before.rules}
    new = {rule.code: rule for rule in after.rules}
    for code in sorted(old.keys() | new.keys()):
        if code not in old:
            yield _difference(code, _NEW, Direction.STRICTER, expected=_expected(new[code]))
        elif code not in new:
            yield _difference(code, _GONE, Direction.LOOSER, expected=_expected(old[code]))
        else:
            yield from _rule(old[code], new[code])


def _rule(old: Rule, new: Rule) -> Iterator[Difference]:
    code = new.code
    if (old.sources, old.operator, old.unit, old.kind, old.needs) != (
        new.sources,
        new.operator,
        new.unit,
        new.kind,
        new.needs,
    ):
        yield _difference(code, _READ_ELSEWHERE, Direction.NEITHER)
    if old.threshold != new.threshold and new.kind is not Kind.DURATION:
        direction = _of_threshold(old, new)
        yield _difference(code, _THRESHOLD, direction, before=_expected(old), after=_expected(new))
    if old.severity is not new.severity:
        order = list(Severity)
        is_stricter = order.index(new.severity) < order.index(old.severity)
        direction = Direction.STRICTER if is_stricter else Direction.LOOSER
        yield _difference(code, _SEVERITY, direction, before=_word(old.severity), after=_word(new.severity))
    yield from _blocking(old, new)


def _of_threshold(old: Rule, new: Rule) -> Direction:
    if old.operator is not new.operator or old.unit != new.unit or new.operator is Operator.EQUAL:
        return Direction.NEITHER
    is_more = new.threshold > old.threshold
    is_looser = is_more if new.operator in (Operator.LESS, Operator.AT_MOST) else not is_more
    return Direction.LOOSER if is_looser else Direction.STRICTER


def _blocking(old: Rule, new: Rule) -> Iterator[Difference]:
    if old.blocking == new.blocking:
        return
    if old.blocking is None:
        yield _difference(new.code, _BLOCKS, Direction.STRICTER, after=_quantity(new.blocking, new.unit))
        return
    before = _quantity(old.blocking, old.unit)
    if new.blocking is None:
        yield _difference(new.code, _BLOCKS_NO_MORE, Direction.LOOSER, before=before)
        return
    direction = Direction.LOOSER if new.blocking > old.blocking else Direction.STRICTER
    after = _quantity(new.blocking, new.unit)
    yield _difference(new.code, _BLOCKS_ELSEWHERE, direction, before=before, after=after)


def _values(before: Policy, after: Policy) -> Iterator[Difference]:
    for name, meaning in VALUES.items():
        old, new = getattr(before.values, name), getattr(after.values, name)
        if old == new:
            continue
        change = meaning.stricter if new > old else -meaning.stricter
        direction = {1: Direction.STRICTER, -1: Direction.LOOSER, 0: Direction.NEITHER}[change]
        params = {
            "before": _quantity(Decimal(old) / meaning.ppm_per_unit, meaning.unit),
            "after": _quantity(Decimal(new) / meaning.ppm_per_unit, meaning.unit),
        }
        yield Difference(subject=name, is_rule=False, template=_VALUE, params=params, direction=direction)


def _difference(code: str, template: str, direction: Direction, /, **params: Any) -> Difference:
    return Difference(subject=code, is_rule=True, template=template, params=params, direction=direction)


def _expected(rule: Rule) -> dict[str, str]:
    return {"value": plain_decimal(rule.threshold), "unit": rule.unit, "operator": str(rule.operator)}


def _quantity(value: Decimal | None, unit: str) -> dict[str, str]:
    assert value is not None, "only a figure that is there is said"
    return {"value": plain_decimal(value), "unit": unit}


def _word(severity: Severity) -> dict[str, Any]:
    return {"template": str(severity), "params": {}}
