"""The page of one condition: what must be done, what was done, closing and confirming it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console import actions
from console.actions.refusals import NotYours
from console.admin.reviews import stored_file
from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, person_of, why_not
from console.models import Condition, ConditionClosing
from console.releases.request_view import ConditionLine, condition_lines
from testruns.models import Run
from testruns.recommendation import Recommendation

LIST = "admin:releases"
RUNS_MAX = 20


@require_safe
def condition_page(request: HttpRequest, condition_id: int) -> HttpResponse:
    """One condition."""
    rows = Condition.objects.select_related("decision__request__phase", "owner", "confirmation__confirmed_by")
    condition = get_object_or_404(rows, pk=condition_id)
    (one,) = condition_lines([condition], now=timezone.now())
    context = {
        **admin.site.each_context(request),
        "title": _("Condition C%(number)s of phase %(phase)s")
        % {"number": condition.number, "phase": condition.decision.request.phase.code},
        "one": one,
        "runs": _runs(condition),
        "why_not_close": why_not(request, Act.CLOSE_CONDITION) or _not_owner(request, condition),
        "why_not_confirm": why_not(request, Act.CONFIRM_CONDITION) or _is_own_closing(request, one),
    }
    return TemplateResponse(request, "console/releases/condition.html", context)


@act_view(back=LIST)
def close(request: HttpRequest, condition_id: int) -> HttpResponse:
    """Close it with a run, or with a file as evidence."""
    note, run = request.POST.get("note", ""), request.POST.get("run_id", "")
    file = request.FILES.get("file")
    if file is not None:
        content = file.read()
        actions.close_with_file(actor=actor_of(request), condition_id=condition_id, content=content, note=note)
    else:
        run_id = int(run) if run.isdecimal() else None
        actions.close_condition(actor=actor_of(request), condition_id=condition_id, run_id=run_id, note=note)
    messages.success(request, _("The condition is closed. It counts when a supervisor has confirmed it."))
    return redirect(reverse("admin:release_condition", args=[condition_id]))


@act_view(back=LIST)
def confirm(request: HttpRequest, condition_id: int) -> HttpResponse:
    """Confirm the last closing."""
    actions.confirm_condition(actor=actor_of(request), condition_id=condition_id)
    messages.success(request, _("The condition is confirmed."))
    return redirect(reverse("admin:release_condition", args=[condition_id]))


@require_safe
def closing_file(request: HttpRequest, closing_id: int) -> HttpResponse:
    """The evidence a condition was closed with."""
    closing = get_object_or_404(ConditionClosing, pk=closing_id)
    if closing.evidence_id is None:
        raise Http404
    return stored_file(request, digest=closing.evidence_id, name=f"condition-{closing.condition_id}-evidence.bin")


def _runs(condition: Condition) -> list[Run]:
    """The runs of the build that could close it, newest first; whether one does, the action says."""
    build = condition.decision.request.build_id
    runs = Run.objects.filter(build=build, recommendation=Recommendation.GO.value, profile="full")
    return list(runs.filter(finished_at__gt=condition.decision.decided_at).defer("manifest").order_by("-pk")[:RUNS_MAX])


def _not_owner(request: HttpRequest, condition: Condition) -> str:
    if condition.owner_id == person_of(request).pk:
        return ""
    return explain(NotYours(what=f"C{condition.number}", owner=str(condition.owner)))


def _is_own_closing(request: HttpRequest, one: ConditionLine) -> str:
    closing = one.closing
    is_own = closing is not None and closing.closed_by_id == person_of(request).pk
    return _("You closed it yourself: another supervisor confirms it.") if is_own else ""
