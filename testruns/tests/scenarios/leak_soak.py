"""A real soak with a real leak, as a command: a ledger that loses 0.2 MB a minute has to turn rule E04 red.

    python -m testruns.tests.scenarios.leak_soak DIRECTORY [SECONDS] [FAULT]

plays load_reality as a run does (its own load, sampler, warm-up and trend) on the ledger that FAULT of `faults` opens,
judges what it measured by the shipped policy and prints the figures. SECONDS is the policy's soak (1800) unless given;
FAULT is `leaks_slowly`, and `none` is the product's own ledger, for comparison. Ends with 0 when E04 failed as it has
to (with `none`: when it did not fail), else with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import orjson

from testruns.gates.judge import judge
from testruns.gates.measured import MeasuredExecution, Measurement
from testruns.gates.outcomes import RuleOutcome
from testruns.gates.policy import shipped_policy
from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState
from testruns.scenarios.stage.context import PRODUCT_OPENER
from testruns.tests.scenarios.playing import playing, request_for
from testruns.wording import spoken

RULE = "E04"
FAULTS = "testruns.tests.scenarios.faults"
SHOWN = (
    "duration_seconds",
    "operations",
    "errors",
    "steal_ppm",
    "foreign_load_ppm",
    "memory_slope_low",
    "memory_slope",
    "memory_slope_high",
)


def main(directory: str, seconds: str = "", fault: str = "leaks_slowly") -> int:
    """Soak, judge, print; the exit code says whether the rule answered as it has to."""
    values = shipped_policy().values
    request = request_for(
        "load_reality",
        Path(directory).resolve() / "run",
        concurrency=50,
        duration_seconds=int(seconds or values.soak_seconds),
        warmup_seconds=values.warmup_seconds,
        offered_rate=values.offered_rate,
    )
    opener = PRODUCT_OPENER if fault == "none" else f"{FAULTS}:{fault}"
    Path(directory).mkdir(parents=True, exist_ok=True)
    with playing(request, opener=opener, stderr_path=Path(directory) / "stderr") as child:
        execution = measured_by(child.stdout)
    outcome = judged(execution)
    measured = [execution.measurements[name] for name in SHOWN if name in execution.measurements]
    lines = [f"{one.name:20} {one.value} {one.unit}" for one in measured]
    lines.append(f"{RULE} {outcome.verdict}: {spoken(template=outcome.reason, params=outcome.reason_params)}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if (outcome.verdict is Verdict.FAIL) is (fault != "none") else 1


def measured_by(lines: Iterable[bytes]) -> MeasuredExecution:
    """The execution a child reports line by line, as the judge is given it."""
    said = [message for line in lines if (message := orjson.loads(line))["type"] in ("measurement", "done")]
    measurements = [
        Measurement(name=one["name"], value=Decimal(one["value"]), unit=one["unit"])
        for one in said
        if one["type"] == "measurement"
    ]
    return MeasuredExecution(
        scenario="load_reality",
        concurrency=50,
        state=ExecutionState.FINISHED if said[-1]["type"] == "done" else ExecutionState.ERRORED,
        measurements={one.name: one for one in measurements},
    )


def judged(execution: MeasuredExecution) -> RuleOutcome:
    """What rule E04 of the shipped policy says about the execution."""
    outcomes = judge(policy=shipped_policy(), executions=[execution]).rules
    return next(outcome for outcome in outcomes if outcome.rule.code == RULE)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
