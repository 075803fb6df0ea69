"""When to try a failed delivery again, and when to stop trying."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Waits that double up to a cap, half of each by chance, so that many that failed at once do not return at once.

    After `attempts_max` attempts the stream is parked: by default after about a minute.
    """

    attempts_max: int = 8
    first_seconds: float = 0.5
    cap_seconds: float = 30.0

    def is_over(self, *, attempts: int) -> bool:
        """Whether somebody has to look at it now."""
        return attempts >= self.attempts_max

    def delay_seconds(self, *, attempts: int, chance: float) -> float:
        """How long after attempt number `attempts` (from 1) the next one is due; `chance` is 0 to 1."""
        ceiling = min(self.first_seconds * (1 << min(attempts - 1, 30)), self.cap_seconds)
        return ceiling / 2 + ceiling / 2 * chance
