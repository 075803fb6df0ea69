"""The soak with a planted leak: what it reports is judged by the shipped rule. The soak itself is a command."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState
from testruns.tests.scenarios.leak_soak import judged, measured_by


def said(low: str, middle: str, high: str) -> list[bytes]:
    """What a child says at the end of a whole soak with this trend of memory."""
    messages: list[dict[str, Any]] = [
        {"type": "sample", "elapsed_ms": 1_800_000, "rss_anon_bytes": 60_000_000},
        {"type": "measurement", "name": "duration_seconds", "value": 1800, "unit": "s"},
        {"type": "measurement", "name": "memory_slope_low", "value": low, "unit": "MB/min"},
        {"type": "measurement", "name": "memory_slope", "value": middle, "unit": "MB/min"},
        {"type": "measurement", "name": "memory_slope_high", "value": high, "unit": "MB/min"},
        {"type": "done"},
    ]
    return [orjson.dumps(message) + b"\n" for message in messages]


@pytest.mark.parametrize(
    ("trend", "verdict"),
    [
        (("0.2259", "0.2374", "0.2624"), Verdict.FAIL),
        (("0.0266", "0.0380", "0.0659"), Verdict.PASS),
    ],
    ids=["leaks 0.2 MB a minute", "the product's ledger"],
)
def test_a_whole_soak_tells_a_leak_from_none(trend: tuple[str, str, str], verdict: Verdict) -> None:
    """Figures of two real soaks of 1800 s, side by side on one machine: red with its whole interval, and green."""
    outcome = judged(measured_by(said(*trend)))

    assert (outcome.verdict, outcome.is_blocking) == (verdict, False)
    assert outcome.actual == Decimal(trend[1])


def test_a_soak_that_broke_off_proves_nothing() -> None:
    """Without its last word what it measured is not the measurement of a whole soak."""
    execution = measured_by(said("0.0266", "0.0380", "0.0659")[:-1])

    assert execution.state is ExecutionState.ERRORED
    assert judged(execution).verdict is Verdict.ERROR
