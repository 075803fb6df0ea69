"""The journal's durable events for clients that follow it: what is after a cursor, or the next when it is there."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api import waiters
from console.kernel.api.pagination import invalid, single
from console.kernel.scopes import Scope
from ledger import Event, Ledger
from ledger.actions import live_ledger
from ledger.api import queries
from ledger.api.refusals import LedgerView
from ledger.engine.limits import STREAM_BYTES_MAX, TEXT_BYTES_MAX
from ledger.subscriptions import EventPage, Interest, events_after
from ledger.subscriptions.errors import TypePatternRefused
from ledger.subscriptions.following import PAUSE_SECONDS_MAX

LIMIT, LIMIT_MAX = 100, 1000
_SHOWN = ("seq", "time", "stream", "version", "type", "schema", "actor", "correlation", "causation", "data", "hash")


class EventBody(serializers.Serializer[Any]):
    """One event as it is recorded. `data` holds amounts in whole micro-credits (`amount_micros`)."""

    seq = serializers.IntegerField()
    time = serializers.DateTimeField()
    stream = serializers.CharField()
    version = serializers.IntegerField()
    type = serializers.CharField()
    schema = serializers.IntegerField()
    actor = serializers.CharField()
    correlation = serializers.CharField()
    causation = serializers.IntegerField(required=False)
    data = serializers.DictField()  # type: ignore[assignment]  # a field; the metaclass takes it away
    hash = serializers.CharField(help_text="SHA-256 of the chain up to this event.")


class EventsAnswer(serializers.Serializer[Any]):
    """Events after a cursor. More are there at once while `next_after` is below `head`, also after an empty page."""

    journal = serializers.CharField(help_text="Its id; a cursor belongs to one journal.")
    events = EventBody(many=True)
    next_after = serializers.IntegerField(help_text="`after` of the next request.")
    head = serializers.IntegerField(help_text="The last durable event when this was read.")


class EventsView(LedgerView):
    """Following the journal."""

    scope = Scope.CREDITS_READ
    parameters = frozenset({"after", "limit", "wait", "stream", "type", "correlation"})

    @extend_schema(
        responses=EventsAnswer,
        parameters=[
            OpenApiParameter("after", {"type": "integer", "minimum": 0, "maximum": queries.SEQ_MAX, "default": 0}),
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}),
            OpenApiParameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": waiters.WAIT_SECONDS_MAX, "default": 0},
                description="Seconds to wait for the first event when there is none yet.",
            ),
            OpenApiParameter("stream", {"type": "string", "minLength": 1, "maxLength": STREAM_BYTES_MAX}),
            OpenApiParameter(
                "type",
                {"type": "string", "pattern": r"^[a-z_]{1,60}\.([a-z_]{1,60}|\*)$"},
                description="A type, or a family of types such as `credit.*`.",
            ),
            OpenApiParameter("correlation", {"type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX}),
        ],
        summary="Durable events after a cursor, oldest first",
        examples=[OpenApiExample("movements", parameter_only=("type", "query"), value="credit.*")],
    )
    def get(self, request: Request) -> Response:
        """Whoever passes `next_after` on as `after` meets every event that matches exactly once, across restarts too.

        409 `unknown-seq` for a cursor beyond the end of the journal: it belongs to another one.
        """
        following = _Following(request, live_ledger())
        page = following.look()
        wait = queries.whole_number(request, "wait", low=0, high=waiters.WAIT_SECONDS_MAX, default=0)
        if wait and not page.events and page.next_after == page.head:
            with waiters.slot():
                waiters.until(following.found, timeout_seconds=wait, every_seconds=PAUSE_SECONDS_MAX)
            page = following.page
        return Response(
            {
                "journal": following.ledger.status.journal_id,
                "events": [_shown(following.ledger.current(event)) for event in page.events],
                "next_after": page.next_after,
                "head": page.head,
            },
            headers={"Cache-Control": "no-store"},
        )


class _Following:
    """One client's question, asked again from where the last look ended."""

    def __init__(self, request: Request, ledger: Ledger) -> None:
        self.ledger = ledger
        self._limit = queries.whole_number(request, "limit", low=1, high=LIMIT_MAX, default=LIMIT) or LIMIT
        after = queries.whole_number(request, "after", low=0, high=queries.SEQ_MAX, default=0) or 0
        self._interest = Interest(
            types=_types(request),
            stream=queries.text(request, "stream", bytes_max=STREAM_BYTES_MAX),
            correlation=queries.text(request, "correlation", bytes_max=TEXT_BYTES_MAX),
        )
        self.page = EventPage(events=(), next_after=after, head=0)

    def look(self) -> EventPage:
        """The page after the last look."""
        self.page = events_after(
            self.ledger.journal, after=self.page.next_after, limit=self._limit, interest=self._interest
        )
        return self.page

    def found(self) -> EventPage | None:
        """The page after the last look once it holds something, or has more to scan behind it."""
        page = self.look()
        return page if page.events or page.next_after < page.head else None


def _types(request: Request) -> tuple[str, ...]:
    given = single(request, "type")
    try:
        return Interest(types=() if given is None else (given,)).types
    except TypePatternRefused as refused:
        raise invalid("type", _("it is a type such as credit.consumed, or a family such as credit.*")) from refused


def _shown(event: Event) -> dict[str, Any]:
    """What a follower needs; keys and fingerprints stay between the journal and whoever ordered."""
    recorded = event._asdict()
    return {name: recorded[name] for name in _SHOWN if recorded[name] is not None}
