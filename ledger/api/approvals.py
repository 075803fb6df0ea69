"""Requests for approval: a token asks and reads; people decide in the console."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.idempotency import key_of
from console.kernel.api.pagination import invalid, single
from console.kernel.api.parsing import parsed
from console.kernel.scopes import Scope
from ledger import ApprovalState, commands
from ledger.actions import live_ledger, request_ledger_approval
from ledger.api import bodies, fields, queries
from ledger.api.orders import answered
from ledger.api.refusals import LedgerView
from ledger.credits import pages

_STATES = tuple(state.value for state in ApprovalState)
_EXAMPLE = {
    "request": "migration-9",
    "action_type": "credit_adjustment",
    "risk_level": "MEDIUM",
    "context": "500 credits for the migration of mission 9",
    "amount": "500",
}


class ApprovalsView(LedgerView):
    """The list of requests, and new ones."""

    scope = {"GET": Scope.CREDITS_READ, "POST": Scope.CREDITS_WRITE}
    parameters = queries.PAGE | {"state"}

    @extend_schema(
        responses=bodies.ApprovalsAnswer,
        parameters=[OpenApiParameter("state", {"type": "string", "enum": list(_STATES)}), *queries.PAGE_SCHEMA],
        summary="Requests for approval, newest first",
    )
    def get(self, request: Request) -> Response:
        """All of them, or those in one state. What is overdue counts as expired."""
        page = pages.approvals(
            live_ledger(),
            state=_state(request),
            now=_now(),
            until=queries.cursor(request),
            limit=queries.page_limit(request),
        )
        return Response(
            {"results": [bodies.asked(line) for line in page.lines], **queries.next_page(request, page.next)}
        )

    @extend_schema(
        request=fields.ApprovalBody,
        responses={201: bodies.ApprovalAnswer},
        summary="Ask for an approval",
        examples=[OpenApiExample("500 credits for a migration", value=_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Ask as the person behind the token, who cannot decide it. LOW is approved at once by the credit policy."""
        actor = self.actor(request)
        read = parsed(request, fields.ApprovalBody)
        order = commands.RequestApproval(
            request=read["request"],
            action_type=read["action_type"],
            risk_level=read["risk_level"],
            context=read["context"],
            requester=f"user:{actor.person.pk}",  # not the token: a rotated one repeats the same request
            amount_micros=read.get("amount"),
        )
        answer = request_ledger_approval(actor=actor, order=order, key=key_of(request))
        location = reverse("api-credits-approval", args=[order.request])
        return answered(answer, bodies.requested(answer), status=HTTPStatus.CREATED, location=location)

    post.is_idempotent = True  # type: ignore[attr-defined]  # read by the OpenAPI schema


class ApprovalView(LedgerView):
    """One request."""

    scope = Scope.CREDITS_READ

    @extend_schema(
        responses=bodies.ApprovalAnswer,
        summary="One request for approval",
        examples=[OpenApiExample("migration-9", parameter_only=("request_name", "path"), value="migration-9")],
    )
    def get(self, request: Request, request_name: str) -> Response:
        """Where it stands, who agreed, who decided and why."""
        found = live_ledger().approval(request_name)
        state = pages.state_at(found.state, expires_at=found.expires_at, now=_now())
        return Response(bodies.approval(found, state=state))


def _state(request: Request) -> ApprovalState | None:
    given = single(request, "state")
    if given is not None and given not in _STATES:
        raise invalid("state", _("it is one of %(choices)s") % {"choices": ", ".join(_STATES)})
    return None if given is None else ApprovalState(given)


def _now() -> str:
    """The time of now as it would stand in a record."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
