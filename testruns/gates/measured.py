"""What the judge is given: the measurements of one scenario execution and the circumstances they were taken in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from testruns.gates.rule import Injection
from testruns.run_states import ExecutionState


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One figure a scenario reported: name, value, unit (`testruns.units`)."""

    name: str
    value: Decimal
    unit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredExecution:
    """One scenario execution as the judge sees it.

    measurements: of the latest attempt, by name; empty when it reported none. The three flags are the run's plan.
    """

    scenario: str
    concurrency: int
    state: ExecutionState
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    retry_injection: bool = True
    anomaly_injection: bool = True
    karma_available: bool = False

    def was_switched_on(self, injection: Injection) -> bool:
        """Whether the run was made with this injection."""
        return self.retry_injection if injection is Injection.RETRY else self.anomaly_injection
