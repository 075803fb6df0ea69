"""The journal browser: read-only pages over the live journal, and a button that checks every invariant."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.kernel.doors import act_view, explain
from ledger import Event, Ledger, LedgerError, UnknownAgent, check_invariants
from ledger.actions import live_ledger
from ledger.admin.filters import EVENT_TYPES, JournalFilter, seq_of
from ledger.admin.reading import EventLine, effects_of, history_of, page_of_events
from ledger.conf import live_journal

ACCOUNTS_SHOWN = 500


def events(request: HttpRequest) -> HttpResponse:
    """The events, newest first, filtered, with a cursor instead of page numbers: the journal grows while one reads."""
    wanted = JournalFilter.of(request.GET)
    ledger = live_ledger()
    page = page_of_events(
        ledger=ledger,
        wanted=wanted,
        until=seq_of(request.GET.get("until", "")),
        after=seq_of(request.GET.get("after", "")),
    )
    context = {"page": page, "wanted": wanted, "types": EVENT_TYPES, "head": ledger.head, "status": ledger.status}
    return _render(request, "ledger/events.html", title=_("Journal"), **context)


def event(request: HttpRequest, seq: int) -> HttpResponse:
    """One event with its cause and its effects."""
    ledger = live_ledger()
    found = _event(ledger, seq)
    if found is None:
        raise Http404
    context = {
        "line": EventLine(event=found),
        "event": found,
        "cause": _line(_event(ledger, found.causation)) if found.causation else None,
        "effects": effects_of(ledger=ledger, event=found),
        "previous": seq - 1 if seq > 1 else None,
        "next": seq + 1 if seq < ledger.head.seq else None,
    }
    return _render(request, "ledger/event.html", title=_("Event %(seq)s") % {"seq": seq}, **context)


def _event(ledger: Ledger, seq: int) -> Event | None:
    try:
        return ledger.journal.get(seq=seq)
    except LedgerError:
        return None


def _line(found: Event | None) -> EventLine | None:
    return EventLine(event=found) if found else None


def accounts(request: HttpRequest) -> HttpResponse:
    """Every account with its balance; the sum is 0."""
    found = live_ledger().accounts()
    search = request.GET.get("q", "").strip()[:100]
    shown = sorted((name, balance) for name, balance in found.items() if search.lower() in name.lower())
    context = {
        "accounts": shown[:ACCOUNTS_SHOWN],
        "hidden_count": max(len(shown) - ACCOUNTS_SHOWN, 0),
        "count": len(found),
        "sum_micros": sum(found.values()),
        "search": search,
    }
    return _render(request, "ledger/accounts.html", title=_("Accounts"), **context)


def account(request: HttpRequest) -> HttpResponse:
    """The balance of one account with the events behind it. `name` is an agent or an account."""
    name = request.GET.get("name", "").strip()
    ledger = live_ledger()
    try:
        balance = ledger.balance(name)
    except UnknownAgent as unknown:
        messages.error(request, explain(unknown))
        return redirect("admin:journal_accounts")
    full_name = name if ":" in name else f"agent:{name}"
    history = history_of(
        ledger=ledger, account=full_name, balance_micros=balance, until=seq_of(request.GET.get("until", ""))
    )
    return _render(request, "ledger/account.html", title=full_name, history=history)


@act_view(back="admin:journal_events")
def check(request: HttpRequest) -> HttpResponse:
    """Read the whole journal from its files and check every invariant; changes nothing, but takes work, hence POST."""
    report = check_invariants(live_journal())
    return _render(request, "ledger/check.html", title=_("Check of the journal"), report=report)


def _render(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
