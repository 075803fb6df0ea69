"""Reading one source of a rule in one scenario execution: the smallest step of judging.

Whatever could not be measured is INCONCLUSIVE, whatever cannot be a measurement is ERROR; neither ever passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import INJECTION_NAMES, REPORT_NAMES, Cause, SourceReading
from testruns.gates.policy import PolicyValues
from testruns.gates.rule import Kind, Rule, Severity, Source
from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState
from testruns.trend import POINTS_MIN
from testruns.units import PERCENT, PPM, SECONDS, converted
from testruns.wording import plain_decimal

TREND_SECONDS_MIN: Final = 2 * POINTS_MIN
"""Memory is looked at once a second in every soak that outlasts the warm-up."""


def read_source(
    *, rule: Rule, source: Source, execution: MeasuredExecution | None, values: PolicyValues
) -> SourceReading:
    """What the rule finds at this source in this execution.

    execution: None when the run has none of the source's scenario. An execution that did not finish cannot let a rule
    pass; what it measured before its end counts only when a critical rule already fails on it. An injection that was
    switched off takes the PASS from the rules that need it; a fault that shows all the same stays a fault.
    """
    reader = _Reader(rule=rule, source=source, execution=execution, values=values)
    if execution is None:
        return reader.absent()
    reading = reader.read()
    if execution.state is not ExecutionState.FINISHED:
        if reading.verdict is Verdict.FAIL and rule.severity is Severity.CRITICAL:
            return reading
        verdict = Verdict.ERROR if execution.state is ExecutionState.ERRORED else Verdict.INCONCLUSIVE
        return reader.reading(verdict, Cause.NOT_FINISHED, state=str(execution.state))
    is_without_proof = reading.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    if rule.needs and is_without_proof and not execution.was_switched_on(rule.needs):
        injection = {"template": INJECTION_NAMES[rule.needs], "params": {}}
        return reader.reading(Verdict.INCONCLUSIVE, Cause.INJECTION_OFF, value=reading.value, injection=injection)
    return reading


def is_noisy(*, execution: MeasuredExecution, values: PolicyValues) -> bool:
    """Whether the machine was too busy with other things to fail a timing rule. Unmeasured noise is no excuse."""
    return _exceeds(execution, "steal_ppm", values.steal_ppm_max) or _exceeds(
        execution, "foreign_load_ppm", values.foreign_load_ppm_max
    )


def _exceeds(execution: MeasuredExecution, name: str, limit: int) -> bool:
    measurement = execution.measurements.get(name)
    return measurement is not None and measurement.value.is_finite() and measurement.value > limit


def _seconds(value: Decimal) -> dict[str, str]:
    return {"value": plain_decimal(value), "unit": SECONDS}


class _Reader:
    """The parts of one reading, so that they need not be handed from function to function."""

    def __init__(
        self, *, rule: Rule, source: Source, execution: MeasuredExecution | None, values: PolicyValues
    ) -> None:
        self.rule = rule
        self.source = source
        self.execution = execution
        self.values = values

    def reading(
        self, verdict: Verdict, cause: Cause, *, value: Decimal | None = None, is_blocking: bool = False, **params: Any
    ) -> SourceReading:
        """A reading of this source with the parameters every reason may use."""
        decided = params.pop("decided_by", value)
        return SourceReading(
            scenario=self.source.scenario,
            concurrency=None if self.execution is None else self.execution.concurrency,
            measurement=self.source.measurement,
            value=value,
            verdict=verdict,
            cause=cause,
            is_blocking=is_blocking,
            margin=None if decided is None else self.rule.margin(value=decided),
            params={"scenario": self.source.scenario, "measurement": self.source.measurement, **params},
        )

    def absent(self) -> SourceReading:
        """The reading of a scenario the run does not have, or of a report nobody brought."""
        report = REPORT_NAMES.get(self.source.scenario)
        if report is None:
            return self.reading(Verdict.INCONCLUSIVE, Cause.NOT_REQUESTED)
        return self.reading(Verdict.INCONCLUSIVE, Cause.NOT_BROUGHT, report={"template": report, "params": {}})

    def read(self) -> SourceReading:
        """The reading by the measurements alone."""
        found = self._values()
        if isinstance(found, SourceReading):
            return found
        if self.rule.kind is Kind.MEMORY:
            return self._trend(*found)
        if self.rule.kind is Kind.DURATION:
            return self._duration(*found)
        return self._threshold(*found)

    def _values(self) -> tuple[Decimal, ...] | SourceReading:
        """The measured values in the rule's unit (three for a trend), or why there are none."""
        assert self.execution is not None, "read() is only called with an execution"
        suffixes = ("_low", "", "_high") if self.rule.kind is Kind.MEMORY else ("",)
        found = []
        for suffix in suffixes:
            measurement = self.execution.measurements.get(self.source.measurement + suffix)
            if measurement is None:
                return self._soaked_too_short() or self.reading(Verdict.INCONCLUSIVE, Cause.NOT_MEASURED)
            if not measurement.value.is_finite():
                return self.reading(Verdict.ERROR, Cause.NO_NUMBER)
            value = converted(value=measurement.value, measured_in=measurement.unit, asked_in=self.rule.unit)
            if value is None:
                return self.reading(
                    Verdict.ERROR, Cause.WRONG_UNIT, measured_in=measurement.unit, asked_in=self.rule.unit
                )
            found.append(value)
        return tuple(found)

    def _soaked_too_short(self) -> SourceReading | None:
        """Why there is no trend of memory, by the length of the soak; None when that does not explain it."""
        assert self.execution is not None, "read() is only called with an execution"
        soak = self.execution.measurements.get("duration_seconds")
        if self.rule.kind is not Kind.MEMORY or soak is None or not soak.value.is_finite():
            return None
        left = soak.value - self.values.warmup_seconds
        if left >= TREND_SECONDS_MIN:
            return None
        params: dict[str, Any] = {
            "soak": _seconds(soak.value),
            "warmup": _seconds(Decimal(self.values.warmup_seconds)),
        }
        if left <= 0:
            return self.reading(Verdict.INCONCLUSIVE, Cause.WITHIN_WARMUP, **params)
        return self.reading(Verdict.INCONCLUSIVE, Cause.HARDLY_WARM, left=_seconds(left), **params)

    def _threshold(self, value: Decimal) -> SourceReading:
        rule, params = self.rule, self._compared(value)
        if rule.operator.holds(value=value, threshold=rule.threshold):
            return self.reading(Verdict.PASS, Cause.MEASURED, value=value, **params)
        assert self.execution is not None, "a value was read from it"
        if rule.kind is Kind.TIMING and is_noisy(execution=self.execution, values=self.values):
            return self.reading(Verdict.INCONCLUSIVE, Cause.NOISY, value=value, **params, **self._noise())
        is_blocking = rule.blocking is not None and value >= rule.blocking
        return self.reading(Verdict.FAIL, Cause.MEASURED, value=value, is_blocking=is_blocking, **params)

    def _duration(self, value: Decimal) -> SourceReading:
        """Too short a measurement proves nothing, which is no fault."""
        if self.rule.operator.holds(value=value, threshold=self.rule.threshold):
            return self.reading(Verdict.PASS, Cause.MEASURED, value=value, **self._compared(value))
        missing = math.ceil(self.rule.threshold - value)
        return self.reading(Verdict.INCONCLUSIVE, Cause.TOO_SHORT, value=value, seconds=missing)

    def _trend(self, low: Decimal, middle: Decimal, high: Decimal) -> SourceReading:
        """The whole interval below the threshold passes, the whole interval at or above it fails."""
        rule, params = self.rule, self._compared(middle)
        if not low <= middle <= high:
            return self.reading(Verdict.ERROR, Cause.NO_NUMBER)
        if high < rule.threshold:
            return self.reading(Verdict.PASS, Cause.MEASURED, value=middle, decided_by=high, **params)
        if low >= rule.threshold:
            is_blocking = rule.blocking is not None and low >= rule.blocking
            return self.reading(
                Verdict.FAIL, Cause.MEASURED, value=middle, decided_by=low, is_blocking=is_blocking, **params
            )
        return self.reading(
            Verdict.INCONCLUSIVE,
            Cause.UNDECIDED,
            value=middle,
            decided_by=high,
            low=self._quantity(low),
            high=self._quantity(high),
        )

    def _compared(self, value: Decimal) -> Mapping[str, Any]:
        expected = self._quantity(self.rule.threshold) | {"operator": str(self.rule.operator)}
        return {"actual": self._quantity(value), "expected": expected}

    def _quantity(self, value: Decimal) -> dict[str, str]:
        return {"value": plain_decimal(value), "unit": self.rule.unit}

    def _noise(self) -> Mapping[str, Any]:
        """Steal and foreign load in percent, for the reason; None prints as not measured."""
        return {"steal": self._percent("steal_ppm"), "foreign_load": self._percent("foreign_load_ppm")}

    def _percent(self, name: str) -> dict[str, str | None]:
        assert self.execution is not None, "noise was read from it"
        measurement = self.execution.measurements.get(name)
        value = None if measurement is None else converted(value=measurement.value, measured_in=PPM, asked_in=PERCENT)
        return {"value": None if value is None else plain_decimal(value), "unit": PERCENT}
