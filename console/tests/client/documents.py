"""Answers as the console gives them, as far as the client reads them."""

from __future__ import annotations

from typing import Any

COMMIT = "4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918"
BUILD = {"name": "gatehouse", "commit": COMMIT}
QUEUED: dict[str, Any] = {
    "run": 7,
    "state": "QUEUED",
    "build": BUILD,
    "executions": [{"scenario": "credit_storm", "state": "QUEUED"}],
}
WAITING = QUEUED | {"waiting": {"position": 2, "reason": "Run 6 has the machine to itself."}}
RUNNING = QUEUED | {"state": "RUNNING", "executions": [{"scenario": "credit_storm", "state": "RUNNING"}]}
JUDGED: dict[str, Any] = QUEUED | {
    "state": "JUDGED",
    "recommendation": "INCOMPLETE",
    "sentence": "Not enough was measured.",
    "gates": [{"gate": "A", "verdict": "PASS"}, {"gate": "E", "verdict": "INCONCLUSIVE"}],
    "executions": [{"scenario": "credit_storm", "state": "FINISHED"}],
}
RELEASED: dict[str, Any] = {
    "phase": "5a",
    "decision": "GO",
    "build": BUILD,
    "valid_until": "2026-12-21T10:00:00Z",
    "conditions": [],
    "certificate": {"digest": "d4" * 32},
}
RUN = ("run", "--profile", "quick", "--wait")
GATE = ("gate", "5a", "--commit", COMMIT)
