"""What the journal browser filters by, and the cursor of its pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

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
_NOT_FILTERS = ("journal", "until", "after")
_TEXT_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalFilter:
    """The filter as it was typed. Times are UTC.

    `errors` holds by field what could not be understood, `unknown` what an address asks for that does not exist.
    """

    stream: str = ""
    type: str = ""
    correlation: str = ""
    since: str = ""
    before: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: QueryDict) -> JournalFilter:
        """The filter in an address; what nobody understands is named and left out of the search."""
        typed = {name: query.get(name, "").strip()[:_TEXT_MAX] for name in _NAMES}
        errors = {name: typed[name] for name in ("since", "before") if typed[name] and _moment(typed[name]) is None}
        strange = [name for name in query if name not in (*_NAMES, *_NOT_FILTERS)]
        unknown = [
            _("“%(name)s” is not a filter of this journal; it was left out.") % {"name": n[:50]} for n in strange
        ]
        if typed["type"] and typed["type"] not in EVENT_TYPES:
            message = _("“%(type)s” is not a type of event; events of every type are shown.")
            unknown.append(message % {"type": typed.pop("type")[:50]})
        return cls(**typed, errors=errors, unknown=tuple(unknown))

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered."""
        return any(getattr(self, name) for name in _NAMES)

    @property
    def values(self) -> dict[str, str]:
        """The filter for an address, without a cursor."""
        return {name: getattr(self, name) for name in _NAMES if getattr(self, name)}

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
