"""The live suite by name: which scenarios a whole run has, which six of them the seeds described, what can be brought
from elsewhere instead."""

from __future__ import annotations

from typing import Final

SEED_SCENARIOS: Final = (
    "credit_storm",
    "synergy_anti_gaming",
    "approval_race",
    "karma_blackout",
    "ml_chaos",
    "crash_replay",
)
SUITE: Final = (*SEED_SCENARIOS, "load_reality")

IMPORTED_TESTS: Final = "imported_tests"
IMPORTED_COVERAGE: Final = "imported_coverage"
IMPORTED: Final = (IMPORTED_TESTS, IMPORTED_COVERAGE)
"""Reports of suites that ran elsewhere; they stand where a live run has its scenarios."""
