"""The journal browser: read-only pages over a journal, live or imported."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, person_of, why_not
from ledger import Event, Ledger, LedgerError, UnknownAgent
from ledger.admin.balance_chart import balance_chart
from ledger.admin.filters import EVENT_TYPES, JournalFilter, seq_of
from ledger.admin.history import history_of
from ledger.admin.journals import ChosenJournal, chosen_journal, journals
from ledger.admin.proof import proof_line
from ledger.admin.reading import EventLine, effects_of, page_of_events
from ledger.admin.streams import newest_streams, streams_named
from ledger.credits.policy import REASON_LENGTH_MIN
from ledger.credits.texts import TEXT_LENGTH_MAX
from ledger.operations import leave_read_only

ACCOUNTS_PER_PAGE = 100
SEARCH_LENGTH_MAX = 100
_TYPED = "journal_reason"


def events(request: HttpRequest) -> HttpResponse:
    """The events, newest first, filtered, with a cursor instead of page numbers: the journal grows while one reads."""
    journal = chosen_journal(request)
    wanted = JournalFilter.of(request.GET)
    for text in wanted.unknown:
        messages.warning(request, text)
    condition = journal.condition
    context: dict[str, Any] = {"wanted": wanted, "types": EVENT_TYPES, "condition": condition}
    if condition.can_be_left and journal.is_live:
        context |= {
            "offers_leaving": True,
            "why_not": why_not(request, Act.LEAVE_READ_ONLY),
            "reason_length": REASON_LENGTH_MIN,
            "typed": request.session.pop(_TYPED, ""),
        }
    if condition.is_readable:
        ledger = journal.open()
        until, after = seq_of(request.GET.get("until", "")), seq_of(request.GET.get("after", ""))
        context["page"] = page_of_events(ledger=ledger, wanted=wanted, until=until, after=after)
        context |= {"head": ledger.head, "proof": proof_line(journal, ledger)}
    return render(request, journal, "ledger/events.html", title=_("Journal"), **context)


def event(request: HttpRequest, seq: int) -> HttpResponse:
    """One event with its cause and its effects."""
    journal = chosen_journal(request)
    if refusal := _unreadable(request, journal):
        return refusal
    ledger = journal.open()
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
    return render(request, journal, "ledger/event.html", title=_("Event %(seq)s") % {"seq": seq}, **context)


def _event(ledger: Ledger, seq: int) -> Event | None:
    try:
        return ledger.event(seq)
    except LedgerError:
        return None


def _line(found: Event | None) -> EventLine | None:
    return EventLine(event=found) if found else None


def streams(request: HttpRequest) -> HttpResponse:
    """Every stream with the number of its events and the last one; those whose name holds a search."""
    journal = chosen_journal(request)
    if refusal := _unreadable(request, journal):
        return refusal
    search = request.GET.get("q", "").strip()[:SEARCH_LENGTH_MAX]
    ledger = journal.open()
    if search:
        page = streams_named(ledger=ledger, search=search, start=seq_of(request.GET.get("start", "")) or 0)
    else:
        page = newest_streams(ledger=ledger, until=seq_of(request.GET.get("until", "")))
    context = {"page": page, "search": search, "is_first": "until" not in request.GET and "start" not in request.GET}
    return render(request, journal, "ledger/streams.html", title=_("Streams"), **context)


def accounts(request: HttpRequest) -> HttpResponse:
    """Every account with its balance, in the order they were opened; the sum is 0."""
    journal = chosen_journal(request)
    if refusal := _unreadable(request, journal):
        return refusal
    found = journal.open().accounts()
    search = request.GET.get("q", "").strip()[:SEARCH_LENGTH_MAX]
    names = [name for name in found if search.lower() in name.lower()] if search else list(found)
    start = seq_of(request.GET.get("start", "")) or 0
    following = start + ACCOUNTS_PER_PAGE
    context = {
        "accounts": [(name, found[name]) for name in names[start:following]],
        "found_count": len(names),
        "first": start + 1,
        "last": min(following, len(names)),
        "before": max(start - ACCOUNTS_PER_PAGE, 0) if start else None,
        "next": following if following < len(names) else None,
        "count": len(found),
        "sum_micros": sum(found.values()),
        "search": search,
    }
    return render(request, journal, "ledger/accounts.html", title=_("Accounts"), **context)


def account(request: HttpRequest) -> HttpResponse:
    """The balance of one account with the events behind it. `name` is an agent or an account."""
    journal = chosen_journal(request)
    if refusal := _unreadable(request, journal):
        return refusal
    name = request.GET.get("name", "").strip()
    ledger = journal.open()
    try:
        balance = ledger.balance(name)
    except UnknownAgent as unknown:
        messages.error(request, explain(unknown))
        return redirect(journal.address("accounts"))
    full_name = name if ":" in name else f"agent:{name}"
    until = seq_of(request.GET.get("until", ""))
    history = history_of(ledger=ledger, account=full_name, balance_micros=balance, until=until)
    chart = balance_chart(history.drawn, zone=person_of(request).time_zone)
    return render(request, journal, "ledger/account.html", title=full_name, history=history, until=until, chart=chart)


@act_view(back="admin:journal_events")
def leave(request: HttpRequest) -> HttpResponse:
    """Let the live journal be written again, with a reason; what was typed is there again after a refusal."""
    reason = request.POST.get("reason", "")
    request.session[_TYPED] = reason[:TEXT_LENGTH_MAX]
    leave_read_only(actor=actor_of(request), reason=reason)
    del request.session[_TYPED]
    messages.success(request, _("The ledger takes orders again. Your reason is on record."))
    return redirect("admin:journal_events")


def _unreadable(request: HttpRequest, journal: ChosenJournal) -> HttpResponse | None:
    """Back to the page that says what is wrong, when nothing else can be shown."""
    return None if journal.condition.is_readable else redirect(journal.address("events"))


def render(request: HttpRequest, journal: ChosenJournal, template: str, **context: Any) -> HttpResponse:
    """A page of the journal browser in the frame of the site."""
    frame = {**admin.site.each_context(request), "journal": journal, "journals": journals()}
    return TemplateResponse(request, template, {**frame, **context})
