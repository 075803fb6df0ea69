"""Requests that wait for something to happen: few at a time, and without a connection to the database meanwhile.

A waiting request keeps one of its server process' few threads. At most a quarter of them wait (decisions.md, API); who
comes then is told at once when to come again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from console.kernel.api.problems import Problem, register

WAIT_SECONDS_MAX = 30
LOOK_EVERY_SECONDS = 0.5
COME_AGAIN_SECONDS = (5, 10)
"""Spread, so that many clients that were sent away at once do not come back at once."""

PLACES = max(1, settings.WEB_THREADS // 4)
"""In each server process."""

Answer = TypeVar("Answer")
_slots = threading.BoundedSemaphore(PLACES)

register({"too-many-waiters": (503, "As many requests wait as this server lets wait; the others come again later.")})


@contextmanager
def slot() -> Iterator[None]:
    """One of the places for waiting requests. Raises `Problem` too-many-waiters at once when all are taken."""
    if not _slots.acquire(blocking=False):
        seconds = random.randint(*COME_AGAIN_SECONDS)
        raise Problem(
            "too-many-waiters",
            503,
            _("As many requests wait as may. Come again in %(seconds)s seconds.") % {"seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )
    try:
        yield
    finally:
        _slots.release()


def until(
    look: Callable[[], Answer | None], *, timeout_seconds: float, every_seconds: float = LOOK_EVERY_SECONDS
) -> Answer | None:
    """Look about twice a second, or as often as the caller says, until there is an answer; None without one in time.

    Between two looks this thread has no connection to the database. Not to be called inside a transaction.
    """
    deadline = time.monotonic() + timeout_seconds
    while (answer := look()) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        connections.close_all()
        time.sleep(min(every_seconds, left))
    return answer
