"""The journal: append-only events in files, durable before acknowledged. Standard library and orjson, no Django.

FORMAT.md beside this file describes every byte, limit, lock and decision, for whoever writes a second one.
"""

from ledger.engine.event import Command, Event, Head, NewEvent, Receipt, State
from ledger.engine.journal import Journal, JournalStatus

__all__ = [
    "Command",
    "Event",
    "Head",
    "Journal",
    "JournalStatus",
    "NewEvent",
    "Receipt",
    "State",
]
