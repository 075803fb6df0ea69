"""Who puts what was found in the live journal on record: the console, which tells so when the apps become ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.verifying.reading import Outcome

Recorder = Callable[["Outcome", int], None]
_recorders: list[Recorder] = []


def record_live_with(recorder: Recorder) -> None:
    """Have what is found in the live journal put on record by `recorder`, in the name of the person with the number.

    It raises GatehouseError when that person may not any more.
    """
    _recorders[:] = [recorder]


def record(outcome: Outcome, person: int) -> bool:
    """Put it on record; False when nobody was told to. Raises GatehouseError when the person may not any more."""
    for recorder in _recorders:
        recorder(outcome, person)
    return bool(_recorders)
