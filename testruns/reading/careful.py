"""Reading runs one by one, so that a row that is not what was written takes no other run with it.

Django hands out what a damaged column holds (text where JSON was, a word that is no state); only its use fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

Read = TypeVar("Read")

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What using a stored value raises that is not what was once written."""

logger = logging.getLogger(__name__)


class CarefulReading:
    """Reads parts of several runs. unreadable: numbers of those of which a part could not be read."""

    def __init__(self) -> None:
        self.unreadable: set[int] = set()

    def of(self, run_id: int, read: Callable[[], Read]) -> Read | None:
        """What `read` reads of this run; None where it cannot be read, for which the log says why."""
        try:
            return read()
        except UNREADABLE:
            logger.exception("what is stored of run %s cannot be read", run_id)
            self.unreadable.add(run_id)
            return None
