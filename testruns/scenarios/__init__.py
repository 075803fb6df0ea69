"""The scenarios of the live suite. Every module in this folder registers the scenario of its own name when imported."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from testruns.scenarios.stage.context import Reporter, ScenarioContext
from testruns.scenarios.stage.registry import REGISTRY, MeasurementSpec, Scenario, scenario

for _module in pkgutil.iter_modules(__path__):
    if not _module.ispkg:
        importlib.import_module(f"{__name__}.{_module.name}")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(REGISTRY.in_order())

__all__ = ["SCENARIOS", "MeasurementSpec", "Reporter", "Scenario", "ScenarioContext", "scenario"]
