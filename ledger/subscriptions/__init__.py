"""Following a journal: a cursor over durable events, and subscribers that never lose their place. No Django."""

from ledger.subscriptions.following import EventPage, Interest, events_after, pause_seconds
from ledger.subscriptions.record import Hold
from ledger.subscriptions.retry import Retry
from ledger.subscriptions.steering import Park, Standing, backlog, reset, standings, stuck, unpark
from ledger.subscriptions.subscriber import Subscriber

__all__ = [
    "EventPage",
    "Hold",
    "Interest",
    "Park",
    "Retry",
    "Standing",
    "Subscriber",
    "backlog",
    "events_after",
    "pause_seconds",
    "reset",
    "standings",
    "stuck",
    "unpark",
]
