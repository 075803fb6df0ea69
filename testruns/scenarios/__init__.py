"""The scenarios of the live suite. Every module in this folder registers the scenario of its own name when imported."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from testruns.scenarios.stage.context import Reporter, ScenarioContext
from testruns.scenarios.stage.registry import REGISTRY, MeasurementSpec, Scenario, scenario

for _file in sorted(Path(__file__).parent.glob("[!_]*.py")):
    importlib.import_module(f"{__name__}.{_file.stem}")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(REGISTRY.in_order())

__all__ = ["SCENARIOS", "MeasurementSpec", "Reporter", "Scenario", "ScenarioContext", "scenario"]
