"""What the judge hands back: outcomes of rules, gates and scenarios, and the findings made from them.

Texts are templates with parameters, so that every door can say them in its reader's language
(`testruns.wording.spoken`); nothing here is a finished sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ledger import gettext_noop
from testruns.gates.rule import Rule, Severity
from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.gates.verdicts import Verdict
from testruns.wording import plain_decimal


class Cause(StrEnum):
    """Why a reading has its verdict."""

    MEASURED = "measured"
    NOT_MEASURED = "not-measured"
    NOT_REQUESTED = "not-requested"
    NOT_BROUGHT = "not-brought"
    NOT_FINISHED = "not-finished"
    NO_NUMBER = "no-number"
    WRONG_UNIT = "wrong-unit"
    INJECTION_OFF = "injection-off"
    NOISY = "noisy"
    TOO_SHORT = "too-short"
    UNDECIDED = "undecided"
    WITHIN_WARMUP = "within-warm-up"
    HARDLY_WARM = "hardly-warm"


REASONS: Mapping[Cause, str] = {
    Cause.MEASURED: gettext_noop("%(scenario)s measured %(actual)s, expected %(expected)s"),
    Cause.NOT_MEASURED: gettext_noop("%(scenario)s did not report %(measurement)s"),
    Cause.NOT_REQUESTED: gettext_noop("scenario %(scenario)s was not part of the run"),
    Cause.NOT_BROUGHT: gettext_noop("%(report)s was not brought"),
    Cause.NOT_FINISHED: gettext_noop("scenario %(scenario)s did not finish (%(state)s)"),
    Cause.NO_NUMBER: gettext_noop("%(scenario)s reported no usable number for %(measurement)s"),
    Cause.WRONG_UNIT: gettext_noop("%(scenario)s reported %(measurement)s in %(measured_in)s instead of %(asked_in)s"),
    Cause.INJECTION_OFF: gettext_noop("%(injection)s was switched off"),
    Cause.NOISY: gettext_noop(
        "%(scenario)s measured %(actual)s on a machine too noisy to judge it "
        "(steal %(steal)s, foreign load %(foreign_load)s)"
    ),
    Cause.TOO_SHORT: gettext_noop("%(seconds)s s of soak missing"),
    Cause.UNDECIDED: gettext_noop(
        "the trend in %(scenario)s lies between %(low)s and %(high)s, which a longer soak must narrow"
    ),
    Cause.WITHIN_WARMUP: gettext_noop(
        "no memory trend: the soak of %(soak)s is not longer than the warm-up of %(warmup)s, which does not count"
    ),
    Cause.HARDLY_WARM: gettext_noop(
        "no memory trend: the soak of %(soak)s has only %(left)s after the warm-up of %(warmup)s, which does not count"
    ),
}

INJECTION_NAMES: Mapping[str, str] = {
    "retry_injection": gettext_noop("the injection of retries"),
    "anomaly_injection": gettext_noop("the injection of anomalies"),
}

REPORT_NAMES: Mapping[str, str] = {
    IMPORTED_TESTS: gettext_noop("a test report (JUnit XML)"),
    IMPORTED_COVERAGE: gettext_noop("a coverage report (Cobertura)"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceReading:
    """One source of a rule in one scenario execution: what was read and what follows from it.

    value: in the rule's unit, None when there is none. concurrency: None for a scenario that was not requested.
    margin: as Rule.margin, None without a value. params: of REASONS[cause].
    """

    scenario: str
    concurrency: int | None
    measurement: str
    value: Decimal | None
    verdict: Verdict
    cause: Cause
    is_blocking: bool = False
    margin: Decimal | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The reading as plain values, for the row of a rule and for reports."""
        return {
            "scenario": self.scenario,
            "concurrency": self.concurrency,
            "measurement": self.measurement,
            "value": None if self.value is None else plain_decimal(self.value),
            "verdict": str(self.verdict),
            "cause": str(self.cause),
            "reason": {"template": REASONS[self.cause], "params": dict(self.params)},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOutcome:
    """A rule with its verdict, the reading that decided it, and all readings."""

    rule: Rule
    verdict: Verdict
    actual: Decimal | None
    margin: Decimal | None
    is_blocking: bool
    reason: str
    reason_params: Mapping[str, Any]
    sources: tuple[SourceReading, ...]

    @property
    def counts(self) -> bool:
        """Whether the rule decides about its gate and the recommendation: warnings do not."""
        return self.rule.severity is not Severity.WARNING


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOutcome:
    """A gate with its verdict, the first rule that has this verdict, and how many of its warnings failed."""

    gate: str
    verdict: Verdict
    worst_rule: str | None
    warning_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something a person should read: one per failed rule, and remarks. `what` is a template, the rest are texts."""

    rule_code: str
    severity: Severity
    what: str
    what_params: Mapping[str, Any]
    impact: str
    where: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Everything the judge found: every rule, passed ones too, the gates, the scenarios and the findings."""

    rules: tuple[RuleOutcome, ...]
    gates: Mapping[str, GateOutcome]
    scenarios: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
