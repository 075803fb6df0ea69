"""Remarks: what a person should know about how a run was measured, although no rule asks for it.

And what the errors of an imported suite are, beside cases that broke: its files themselves can be what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from ledger import gettext_noop
from testruns.gates.measured import MeasuredExecution
from testruns.gates.outcomes import Finding, SourceReading
from testruns.gates.policy import PolicyValues
from testruns.gates.reading import is_noisy
from testruns.gates.rule import Severity
from testruns.gates.suite import IMPORTED_TESTS
from testruns.units import PERCENT, PPM, converted
from testruns.wording import plain_decimal

NOISE: Final = "noise"
"""Stands where other findings have the code of their rule."""

_WHAT: Final = gettext_noop(
    "The machine had more to do than this run. The policy allows %(steal)s of steal and %(foreign_load)s of foreign "
    "load; measured were: %(executions)s"
)
_EXECUTION: Final = gettext_noop("%(scenario)s (%(concurrency)s): steal %(steal)s, foreign load %(foreign_load)s")
_IMPACT: Final = gettext_noop(
    "Times measured on this machine are not the ledger's alone. What holds, holds; a rule about time that does not "
    "hold is inconclusive and has to be measured again."
)
_WHERE: Final = gettext_noop("Other programs on this machine while the run lasted; other guests of the same host.")

_ERRORS: Final = {
    "counters_unreadable": gettext_noop("counters that are no number, against which no case can be held: %(count)s"),
    "reports_empty": gettext_noop("files without a test case: %(count)s"),
}


def reasons_of_errors(reading: SourceReading, executions: Sequence[MeasuredExecution]) -> Iterator[dict[str, Any]]:
    """What of the files themselves counts among the errors of imported tests; nothing for any other reading."""
    if (reading.scenario, reading.measurement) != (IMPORTED_TESTS, "errors"):
        return
    for execution in executions:
        for name, template in _ERRORS.items():
            found = execution.measurements.get(name)
            if execution.scenario == IMPORTED_TESTS and found is not None and found.value > 0:
                yield {"template": template, "params": {"count": plain_decimal(found.value)}}


def noise_remark(*, executions: Sequence[MeasuredExecution], values: PolicyValues) -> Finding | None:
    """A warning that names the executions whose machine was busier with other things than the policy allows."""
    noisy = [execution for execution in executions if is_noisy(execution=execution, values=values)]
    if not noisy:
        return None
    return Finding(
        rule_code=NOISE,
        severity=Severity.WARNING,
        what=_WHAT,
        what_params={
            "steal": _percent(Decimal(values.steal_ppm_max)),
            "foreign_load": _percent(Decimal(values.foreign_load_ppm_max)),
            "executions": [{"template": _EXECUTION, "params": _noise_of(execution)} for execution in noisy],
        },
        impact=_IMPACT,
        where=_WHERE,
    )


def _noise_of(execution: MeasuredExecution) -> dict[str, Any]:
    measured = {name: execution.measurements.get(f"{name}_ppm") for name in ("steal", "foreign_load")}
    return {
        "scenario": execution.scenario,
        "concurrency": execution.concurrency,
        **{name: _percent(one.value if one and one.value.is_finite() else None) for name, one in measured.items()},
    }


def _percent(ppm: Decimal | None) -> dict[str, str | None]:
    """A quantity to a tenth of a percent; None prints as not measured."""
    percent = None if ppm is None else converted(value=ppm, measured_in=PPM, asked_in=PERCENT)
    return {"value": None if percent is None else plain_decimal(round(percent, 1)), "unit": PERCENT}
