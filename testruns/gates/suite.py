"""The live suite by name: which scenarios a whole run has, and which six of them the seeds described."""

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
