"""The run manifest from rows: everything a run rests on, by digest."""

from __future__ import annotations

from typing import Any

from ledger import canonical_bytes, digest_of
from testruns.models import Run


def manifest_of(run: Run) -> tuple[str, str]:
    """The canonical JSON text of a run's manifest and its SHA-256, from rows alone."""
    content: dict[str, Any] = {
        "run": run.pk,
    }
    return canonical_bytes(content).decode(), digest_of(content)
