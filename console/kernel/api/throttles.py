"""How often a token, an address without one, and an address with wrong ones may ask; kept in this process' memory.

Each server process counts for itself, so an installation allows its number of processes times these figures.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict

KEYS_MAX = 10_000  # sources remembered; the one that was quiet longest goes first


class Throttle:
    """A bucket for each key that fills steadily: `per_second` in the long run, `burst` at once."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self.per_second, self.burst = per_second, burst
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> int:
        """Count one request: 0 when it may go on, otherwise the whole seconds to wait before the next try."""
        return self._turn(key, 1.0)

    def wait(self, key: str) -> int:
        """The whole seconds to wait, without counting."""
        return self._turn(key, 0.0)

    def forget_everything(self) -> None:
        """Begin anew, as after a start of the process."""
        with self._lock:
            self._buckets.clear()

    def _turn(self, key: str, cost: float) -> int:
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.pop(key, (float(self.burst), now))
            left = min(float(self.burst), left + (now - since) * self.per_second)
            is_allowed = left >= 1.0
            self._buckets[key] = (left - cost if is_allowed else left, now)
            if len(self._buckets) > KEYS_MAX:
                self._buckets.popitem(last=False)
        return 0 if is_allowed else max(1, math.ceil((1.0 - left) / self.per_second))


BY_TOKEN = Throttle(per_second=100, burst=1000)
BY_ADDRESS = Throttle(per_second=20, burst=200)  # requests that need no token
FAILURES = Throttle(per_second=10 / 60, burst=10)  # wrong tokens
AUDITED = Throttle(per_second=1 / 60, burst=1)  # audit entries of wrong tokens, by address


def forget_everything() -> None:
    """Let nobody be throttled for what they did before."""
    for throttle in (BY_TOKEN, BY_ADDRESS, FAILURES, AUDITED):
        throttle.forget_everything()
