"""The verification of a journal: the button that starts it, how far it is, and what came of the last one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.kernel.authority import Act
from console.kernel.doors import actor_of, explain, roles_of, why_not
from console.kernel.live import SharedUpdate, add_live_address, is_update
from ledger import LedgerError
from ledger.admin.journals import PARAMETER, ChosenJournal, chosen_journal, journals
from ledger.admin.proof import proof_line
from ledger.admin.views import render
from ledger.verifying.standing import Standing
from ledger.verifying.starting import standing_of, start_verification


@require_http_methods(["GET", "HEAD", "POST"])
def verification(request: HttpRequest) -> HttpResponse:
    """GET: where it stands; what changes of the page, to an update while somebody is at it. POST: start it in a process
    of its own, and come back to look.
    """
    journal = chosen_journal(request)
    if request.method == "POST":
        _start(request, journal)
        return redirect(journal.address("verification"))
    standing = standing_of(journal.path)
    if standing.is_running and is_update(request):
        return _update(request, journal, standing)
    condition = journal.condition
    context: dict[str, Any] = {
        "standing": standing,
        "condition": condition,
        "why_not_on_record": why_not(request, Act.VERIFY_JOURNAL) if journal.is_live else "",
    }
    if condition.is_readable:
        ledger = journal.open()
        context |= {"head": ledger.head, "proof": proof_line(journal, ledger)}
        if standing.outcome is not None and standing.outcome.is_sound:
            context["newer_count"] = max(ledger.head.seq - standing.outcome.head_seq, 0)
    return render(request, journal, "ledger/verification.html", title=_("Verification of the journal"), **context)


def verification_token(*, journal: str) -> str:
    """How far the verification of the journal of this name is. Http404 while nobody is at it."""
    found = [known for known in journals() if known.name == journal]
    standing = standing_of(found[0].path) if found else None
    if standing is None or not standing.is_running:
        raise Http404
    return standing.token


def _update(request: HttpRequest, journal: ChosenJournal, standing: Standing) -> HttpResponse:
    if request.GET.get("token") == standing.token:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"journal": journal, "standing": standing}
    if journal.condition.is_readable:
        ledger = journal.open()
        context |= {"head": ledger.head, "proof": proof_line(journal, ledger)}
    content = render_to_string("ledger/verification_running.html", context)
    return SharedUpdate(content, token=standing.token, roles=roles_of(request))


def _start(request: HttpRequest, journal: ChosenJournal) -> None:
    try:
        if journal.is_live and not journal.path.exists():
            journal.open()  # makes an empty one
        is_new = start_verification(actor=actor_of(request), journal=journal.path)
    except LedgerError as refused:
        messages.error(request, explain(refused))
    except OSError as refused:
        reason = refused.strerror or str(refused)
        messages.error(request, _("The verification could not be started: %(reason)s.") % {"reason": reason})
    else:
        if not is_new:
            messages.info(request, _("Somebody has started it already. You see how far it is."))


add_live_address(pattern=r"/admin/journal/verification/", token=verification_token, parameters=(PARAMETER,))
