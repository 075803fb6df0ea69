"""The registry: what a scenario says about itself, and that nothing is declared twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from testruns.scenarios import SCENARIOS, MeasurementSpec, Reporter
from testruns.scenarios.stage.registry import Registry

UNITS = {"count", "micro-credits", "us", "ms", "s", "ppm", "millionths", "operations/s", "MB/min"}
FAST = MeasurementSpec(name="fast", unit="us", help="How fast it is.")


def register(registry: Registry, code: str, position: int, *measures: MeasurementSpec) -> None:
    """Register a scenario that does nothing."""
    declare = registry.scenario(
        code=code, position=position, title=code, help=code, measures=measures or (FAST,), base_seconds=1
    )
    declare(lambda _context: None)


@pytest.mark.parametrize(("code", "position"), [("one", 2), ("two", 1)])
def test_a_code_or_place_taken_twice_stops_the_import(code: str, position: int) -> None:
    """Two scenarios of one name would be one in every row."""
    registry = Registry()
    register(registry, "one", 1)

    with pytest.raises(ValueError, match="is taken by one"):
        register(registry, code, position)


def test_a_measurement_declared_twice_stops_the_import() -> None:
    """Its meaning would depend on the order of the file."""
    with pytest.raises(ValueError, match="declares a measurement twice"):
        register(Registry(), "one", 1, FAST, FAST)


def test_scenarios_stand_in_the_order_of_their_places() -> None:
    """Whatever order their files are read in."""
    registry = Registry()
    register(registry, "second", 2)
    register(registry, "first", 1)

    assert list(registry.in_order()) == ["first", "second"]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_every_scenario_explains_itself_and_its_measurements(scenario: Any) -> None:
    """A title, words a reviewer understands, and known units."""
    assert scenario.title
    assert len(scenario.help) > 150
    assert {spec.unit for spec in scenario.measures} <= UNITS
    assert all(spec.help.endswith(".") for spec in scenario.measures)


def test_a_measurement_that_was_not_declared_cannot_be_reported() -> None:
    """Nor the same one twice: the rules could not know which one counts."""
    messages: list[dict[str, Any]] = []
    report = Reporter(scenario=SCENARIOS["load_reality"], emit=messages.append)

    report.measure("memory_slope", Decimal("0.0100"))
    report.measure("seals", 12)

    assert messages == [
        {"type": "measurement", "name": "memory_slope", "value": "0.0100", "unit": "MB/min"},
        {"type": "measurement", "name": "seals", "value": 12, "unit": "count"},
    ]
    with pytest.raises(KeyError, match="load_reality has no measurement kills"):
        report.measure("kills", 1)
    with pytest.raises(ValueError, match="seals was measured already"):
        report.measure("seals", 12)
