"""Sealing by age: a segment that was opened a day ago is sealed behind the next order, however little is in it.

The engine seals by size; what is sealed can be copied, checksummed and locked away. An idle journal is left alone.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ledger import Journal, LedgerError

SEGMENT_AGE_MAX = timedelta(hours=24)
LOOK_SECONDS = 600.0


def seal_if_old(journal: Journal, *, path: Path, now: datetime) -> bool:
    """Seal the active segment of the journal in `path` if it is a day old. Returns whether it was.

    Raises as `Journal.seal`, OSError.
    """
    first = max((int(segment.stem) for segment in (path / "segments").glob("*.jsonl")), default=0)
    if not first or now - datetime.fromisoformat(journal.get(seq=first).time) < SEGMENT_AGE_MAX:
        return False
    journal.seal()
    return True


class SealingByAge:
    """Looks every ten minutes at most, in a thread of its own, so that no order waits for it."""

    def __init__(self) -> None:
        self._due = 0.0
        self._turn = threading.Lock()

    def look(self, journal: Journal, *, path: Path) -> None:
        """Behind an order. Trouble is the next order's, which meets the same disk."""
        if time.monotonic() < self._due or not self._turn.acquire(blocking=False):
            return
        self._due = time.monotonic() + LOOK_SECONDS
        threading.Thread(target=self._seal, args=(journal, path), name="ledger-age", daemon=True).start()

    def _seal(self, journal: Journal, path: Path) -> None:
        try:
            seal_if_old(journal, path=path, now=datetime.now(tz=UTC))
        except (LedgerError, OSError):
            return
        finally:
            self._turn.release()
