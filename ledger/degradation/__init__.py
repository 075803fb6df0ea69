"""How far the live journal can be trusted with writes: normal, degraded, read-only. No Django.

`states.py` is the rule, as one table; `writes.py` counts what the disk did with the writes of a process, `machine.py`
reads the memory; `watch.py`
applies the rule, shares what came of it through `condition.json` in the directory of the journal, and refuses writes.
"""

from ledger.degradation.errors import NotReadOnly, ReadOnlyNow, SoundnessUnknown
from ledger.degradation.machine import memory_of_machine
from ledger.degradation.states import Cause, Finding, Level, State
from ledger.degradation.watch import Standing, Watch
from ledger.degradation.writes import MeasuredEnv, Writes

__all__ = [
    "Cause",
    "Finding",
    "Level",
    "MeasuredEnv",
    "NotReadOnly",
    "ReadOnlyNow",
    "SoundnessUnknown",
    "Standing",
    "State",
    "Watch",
    "Writes",
    "memory_of_machine",
]
