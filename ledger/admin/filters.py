"""What the journal browser filters by, and the cursor of its pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

EVENTS_PER_PAGE = 50
EVENT_TYPES = (
    "agent.*",
    "agent.created",
    "approval.*",
    "approval.requested",
    "approval.approved",
    "approval.rejected",
    "approval.expired",
    "approval.cancelled",
    "anomaly.detected",
    "breaker.*",
    "breaker.opened",
    "breaker.closed",
    "clock.jumped",
    "credit.*",
    "credit.allocated",
    "credit.consumed",
    "credit.refunded",
    "credit.withdrawn",
    "credit.regenerated",
    "credit.transferred",
    "eoc.*",
    "eoc.sampled",
    "eoc.regulated",
    "import.line_refused",
    "journal.recovered",
    "karma.*",
    "karma.scored",
    "karma.fallback_used",
    "segment.*",
    "segment.opened",
    "segment.sealed",
    "synergy.*",
    "synergy.collaboration_recorded",
    "synergy.reuse_detected",
    "synergy.rewarded",
    "synergy.reward_capped",
)
_NAMES = ("stream", "type", "correlation", "since", "before")
_TEXT_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalFilter:
    """The filter as it was typed, and `errors` by field for what could not be understood. Times are UTC."""

    stream: str = ""
    type: str = ""
    correlation: str = ""
    since: str = ""
    before: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: QueryDict) -> JournalFilter:
        """The filter in an address; a time nobody understands is named and left out of the search."""
        typed = {name: query.get(name, "").strip()[:_TEXT_MAX] for name in _NAMES}
        unknown = {name: typed[name] for name in ("since", "before") if typed[name] and _moment(typed[name]) is None}
        return cls(**typed, errors=unknown)

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered."""
        return any(getattr(self, name) for name in _NAMES)

    @property
    def query(self) -> str:
        """The filter for an address, without a cursor."""
        return urlencode({name: getattr(self, name) for name in _NAMES if getattr(self, name)})

    def as_read(self) -> dict[str, Any]:
        """The filter as `Ledger.events` takes it."""
        return {
            "stream": self.stream or None,
            "types": [self.type] if self.type else None,
            "correlation": self.correlation or None,
            "since": _moment(self.since),
            "before": _moment(self.before),
        }


def _moment(text: str) -> str | None:
    """The journal's spelling of a time; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seq_of(text: str) -> int | None:
    """A sequence number in an address; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
