"""A rule: one question over measurements, with the threshold that answers it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple

_CODE = re.compile(r"[A-Z]\d{2}")
_DIGITS_MAX = 100


class Operator(StrEnum):
    """How the measured value is held against the threshold."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    AT_LEAST = ">="
    MORE = ">"

    def holds(self, *, value: Decimal, threshold: Decimal) -> bool:
        """Whether `value <operator> threshold` is true."""
        return _COMPARISONS[self](value, threshold)


_COMPARISONS: Mapping[Operator, Callable[[Decimal, Decimal], bool]] = {
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.EQUAL: operator.eq,
    Operator.AT_LEAST: operator.ge,
    Operator.MORE: operator.gt,
}


class Severity(StrEnum):
    """What a failed rule means: critical blocks, major allows CONDITIONAL, a warning never turns its gate red."""

    CRITICAL = "critical"
    MAJOR = "major"
    WARNING = "warning"


class Kind(StrEnum):
    """How a rule is evaluated.

    exact: a count or a sum, always decided. timing: depends on the machine, a noisy machine cannot make it FAIL.
    memory: a trend with an interval. duration: how long was measured; too short is INCONCLUSIVE, never FAIL.
    """

    EXACT = "exact"
    TIMING = "timing"
    MEMORY = "memory"
    DURATION = "duration"


class Injection(StrEnum):
    """A disturbance a run can switch off; a rule that needs it proves nothing without it."""

    RETRY = "retry_injection"
    ANOMALY = "anomaly_injection"


class Source(NamedTuple):
    """Where a number comes from: `<scenario>.<measurement>`."""

    scenario: str
    measurement: str

    def __str__(self) -> str:
        return f"{self.scenario}.{self.measurement}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One question over measurements. Code, sources, operator, thresholds, unit, severity and kind are stored with a
    policy; the texts (English, marked for translation) belong to the code of the rule and may be corrected any time.

    code: `<gate><nn>`, never used for another question. question: what is asked, one line. help: what it asks and why
    that matters. impact: what a failure would mean. where: where a person looks next. blocking: the value from which on
    a failed rule blocks a release although it is not critical (same unit as the threshold).
    """

    code: str
    question: str
    help: str
    impact: str
    where: str
    sources: tuple[Source, ...]
    operator: Operator
    threshold: Decimal
    unit: str
    severity: Severity
    kind: Kind = Kind.EXACT
    blocking: Decimal | None = None
    needs: Injection | None = None

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"rule code {self.code!r}: a gate's letter and two digits are expected")
        if not self.sources:
            raise ValueError(f"rule {self.code}: a rule without a source could never be measured")
        if self.blocking is not None and (self.severity is not Severity.MAJOR or self.operator is not Operator.LESS):
            raise ValueError(f"rule {self.code}: a blocking threshold belongs to a major rule with the operator <")
        if self.kind is Kind.MEMORY and self.operator is not Operator.LESS:
            raise ValueError(f"rule {self.code}: a memory rule asks for a slope below its threshold")

    @property
    def gate(self) -> str:
        """The letter of the gate this rule belongs to."""
        return self.code[0]

    @property
    def expected(self) -> str:
        """What is expected, as figures: `< 500 ms`."""
        return f"{self.operator} {self.threshold} {self.unit}"

    def margin(self, *, value: Decimal) -> Decimal:
        """How far the value is from the threshold, as a share of the threshold, positive towards good.

        (threshold - actual) / threshold; for a threshold of 0 minus the distance from it (decisions.md).
        """
        if self.threshold == 0:
            return -abs(value) if value else Decimal(0)
        distance = self.threshold - value
        if self.operator in (Operator.AT_LEAST, Operator.MORE):
            distance = -distance
        elif self.operator is Operator.EQUAL:
            distance = -abs(distance)
        # A reported value may have more digits than the default context can quantize, which must not stop the judge.
        with localcontext(prec=_DIGITS_MAX):
            return (distance / self.threshold).quantize(Decimal("0.000001")) + 0


def from_scenarios(measurement: str, *scenarios: str) -> tuple[Source, ...]:
    """The sources `<scenario>.<measurement>` of one measurement that several scenarios report."""
    return tuple(Source(scenario, measurement) for scenario in scenarios)
