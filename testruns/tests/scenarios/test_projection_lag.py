"""Projection lag: what the second process reports, and what becomes of it when there was nothing to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from testruns.scenarios import SCENARIOS, load_reality
from testruns.scenarios.stage.context import Reporter, ScenarioContext

SOAK = SCENARIOS["load_reality"]


def measured_from(seen: dict[str, Any], directory: Path) -> dict[str, int]:
    """The measurements made of what the second process told."""
    messages: list[dict[str, Any]] = []
    context = ScenarioContext(
        run=1,
        scenario=SOAK,
        concurrency=1,
        directory=directory,
        seed=42,
        duration_seconds=1,
        warmup_seconds=0,
        retry_injection=True,
        karma_available=False,
        anomaly_injection=True,
        offered_rate=1,
        report=Reporter(scenario=SOAK, emit=messages.append),
    )
    load_reality._measure_lag(context, seen)
    return {message["name"]: message["value"] for message in messages}


def test_percentiles_are_those_of_all_looks(tmp_path: Path) -> None:
    """Nine looks after 100 us and one after 120: the slowest stands in the tail only."""
    measured = measured_from({"lags": [[100, 9], [120, 1]], "max_us": 120}, tmp_path)

    assert measured == {
        "projection_looks": 10,
        "projection_lag_p50_us": 100,
        "projection_lag_p95_us": 120,
        "projection_lag_p99_us": 120,
        "projection_lag_max_us": 120,
    }


def test_without_a_look_there_is_no_lag(tmp_path: Path) -> None:
    """Zero would say that there is none; nothing is said instead."""
    assert measured_from({"lags": [], "max_us": 0}, tmp_path) == {"projection_looks": 0}


def test_a_reader_that_never_gets_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answered order that another process never sees must not be waited for without end, nor be left out."""
    Ledger.open(path=tmp_path / "journal").close()
    reader = Ledger.open(path=tmp_path / "journal", read_only=True)
    monkeypatch.setattr(load_reality, "LAG_SECONDS_MAX", 0.0)

    with pytest.raises(TimeoutError, match="event 1000 was answered"):
        load_reality._seen_ns(reader, 1000)
    reader.close()
