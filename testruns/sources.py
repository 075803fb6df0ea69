"""What measures in a run, by the code that stands before the point of a rule's source: scenarios, imported reports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from testruns.imports.specs import IMPORTED_REPORTS, ImportedReport
from testruns.scenarios import SCENARIOS, Scenario

SOURCES: Final[Mapping[str, Scenario | ImportedReport]] = MappingProxyType({**SCENARIOS, **IMPORTED_REPORTS})
"""Each has a title, a help and the measurements it declares."""
