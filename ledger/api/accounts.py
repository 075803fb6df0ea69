"""Reading credits: how the ledger is, what it holds, and how it came to that."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.views import PublicView
from console.kernel.scopes import Scope
from ledger.actions import live_ledger
from ledger.api import bodies, queries
from ledger.api.refusals import LedgerView
from ledger.condition import live_condition
from ledger.credits import pages, policy
from ledger.credits.amounts import AMOUNT_MICROS_MAX
from ledger.figures import live_figures

_AGENT = OpenApiExample("a-17", parameter_only=("agent", "path"), value="a-17")


class CreditHealth(serializers.Serializer[Any]):
    """How the ledger is, without why: reasons are for those who may read the console."""

    status = serializers.ChoiceField(choices=["ok", "degraded", "failed"])
    journal = serializers.ChoiceField(choices=["normal", "degraded", "read_only", "poisoned", "unreadable"])


class LedgerAnswer(serializers.Serializer[Any]):
    """Which ledger this is and by which rules it works."""

    journal = serializers.CharField(help_text="Its id; another id is another history.")
    head = serializers.DictField(help_text="seq and hash of the last durable event.")
    agents = serializers.IntegerField()
    amount_max = serializers.CharField()
    initial_credits = serializers.DictField(child=serializers.CharField(), help_text="By skill_level.")
    synergy_cap = serializers.CharField()
    withdrawal_shares = serializers.DictField(child=serializers.CharField(), help_text="By severity, of the balance.")
    approvals = serializers.DictField(help_text="By risk_level: how many people, and for how many hours it is open.")


class CreditMetrics(serializers.Serializer[Any]):
    """The ledger in figures."""

    events = serializers.IntegerField()
    last_event_at = serializers.DateTimeField()
    segments = serializers.IntegerField()
    bytes = serializers.IntegerField()
    agents = serializers.IntegerField()
    balances = serializers.DictField(child=serializers.CharField(), help_text="System accounts, and all agents.")
    balances_sum = serializers.CharField(help_text="0.000000, or the ledger is wrong.")
    pending_approvals = serializers.IntegerField()
    open_breakers = serializers.IntegerField()
    ci_score = serializers.CharField(required=False, help_text="0 to 1; absent below ten samples.")
    regeneration_multiplier = serializers.CharField()


class HealthView(PublicView):
    """Whether credits can be moved."""

    @extend_schema(
        responses={200: CreditHealth, 503: CreditHealth}, auth=[], summary="Whether credits can be moved now"
    )
    def get(self, request: Request) -> Response:
        """200 while orders are taken, also when somebody should look (degraded); 503 when none is."""
        found = live_condition()
        status = "ok" if not found.needs_attention else "degraded" if found.takes_orders else "failed"
        code = HTTPStatus.SERVICE_UNAVAILABLE if status == "failed" else HTTPStatus.OK
        return Response({"status": status, "journal": found.state}, status=code, headers={"Cache-Control": "no-store"})


class AboutView(LedgerView):
    """The ledger's own description."""

    scope = Scope.CREDITS_READ

    @extend_schema(responses=LedgerAnswer, summary="Which ledger this is, and its rules")
    def get(self, request: Request) -> Response:
        """Journal, head, and the numbers of the credit policy."""
        found = live_figures()
        credits_of = bodies.credits_of
        return Response(
            {
                "journal": found.journal_id,
                "head": {"seq": found.head.seq, "hash": found.head.hash},
                "agents": found.agents,
                "amount_max": credits_of(AMOUNT_MICROS_MAX),
                "initial_credits": {
                    skill: credits_of(policy.initial_micros(skill_ppm=ppm))
                    for skill, ppm in (("0", 0), ("0.5", 500_000), ("1", 1_000_000))
                },
                "synergy_cap": credits_of(policy.SYNERGY_CAP_MICROS),
                "withdrawal_shares": {
                    severity.value: credits_of(share) for severity, share in policy.WITHDRAWAL_SHARES_PPM.items()
                },
                "approvals": {
                    risk.value: {"approvals_needed": rule.approvals_needed, "timeout_hours": rule.timeout_hours}
                    for risk, rule in policy.APPROVAL_RULES.items()
                },
            }
        )


class MetricsView(LedgerView):
    """The ledger's figures."""

    scope = Scope.CREDITS_READ

    @extend_schema(responses=CreditMetrics, summary="The ledger in figures")
    def get(self, request: Request) -> Response:
        """As they are now; Prometheus reads the same at /metrics."""
        found = live_figures()
        credits_of = bodies.credits_of
        score = {} if found.eoc.ci_ppm is None else {"ci_score": credits_of(found.eoc.ci_ppm)}
        return Response(
            {
                "events": found.head.seq,
                "last_event_at": found.last_event_at,
                "segments": found.segments,
                "bytes": found.bytes,
                "agents": found.agents,
                "balances": {name: credits_of(micros) for name, micros in found.balances_micros.items()},
                "balances_sum": credits_of(found.sum_micros),
                "pending_approvals": found.pending_approvals,
                "open_breakers": found.open_breakers,
                **score,
                "regeneration_multiplier": credits_of(found.eoc.multiplier_ppm),
            }
        )


class BalancesView(LedgerView):
    """The balances of all agents."""

    scope = Scope.CREDITS_READ
    parameters = queries.PAGE

    @extend_schema(
        responses=bodies.BalancesAnswer, parameters=[*queries.PAGE_SCHEMA], summary="The balances of all agents"
    )
    def get(self, request: Request) -> Response:
        """In the order in which the agents were created."""
        page = pages.agents(live_ledger(), start=queries.cursor(request) or 0, limit=queries.page_limit(request))
        lines = [bodies.balance(agent) for agent in page.lines]
        return Response({"results": lines, **queries.next_page(request, page.next)})


class BalanceView(LedgerView):
    """One agent."""

    scope = Scope.CREDITS_READ

    @extend_schema(responses=bodies.BalanceAnswer, summary="The balance of one agent", examples=[_AGENT])
    def get(self, request: Request, agent: str) -> Response:
        """As the last durable event left it."""
        return Response(bodies.balance(live_ledger().agent(agent)), headers={"Cache-Control": "no-store"})


class HistoryView(LedgerView):
    """The movements behind a balance."""

    scope = Scope.CREDITS_READ
    parameters = queries.PAGE

    @extend_schema(
        responses=bodies.HistoryAnswer,
        parameters=[*queries.PAGE_SCHEMA],
        summary="The movements of one agent, newest first",
        examples=[_AGENT],
    )
    def get(self, request: Request, agent: str) -> Response:
        """A page with few lines or none and a `next` is not the last: old movements lie further back."""
        ledger = live_ledger()
        page = pages.movements(ledger, agent=agent, until=queries.cursor(request), limit=queries.page_limit(request))
        return Response(
            {
                "agent_id": agent,
                "balance": bodies.credits_of(ledger.agent(agent).balance_micros),
                "results": [bodies.history_line(line) for line in page.lines],
                **queries.next_page(request, page.next),
            }
        )
