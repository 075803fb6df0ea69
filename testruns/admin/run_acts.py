"""The acts on runs: POST addresses that call one action each and go to where the result is seen."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.kernel.doors import act_view, actor_of, return_path
from console.kernel.posted_once import posted_once
from testruns import actions
from testruns.admin.forecast import active_policy
from testruns.models import ScenarioExecution
from testruns.plan import RunPlan

LIST = "admin:testruns_run_changelist"


@act_view(back="admin:testruns_run_request")
def request_full_run(request: HttpRequest) -> HttpResponse:
    """Request the full run with the seed's defaults."""
    plan = RunPlan.of_profile(profile="full", soak_seconds=active_policy().values.soak_seconds)
    site = actions.read_site()
    number = posted_once(request, lambda: actions.request_run(actor=actor_of(request), plan=plan, site=site).pk)
    messages.success(request, _("Run %(number)s is queued.") % {"number": number})
    return _to(number)


@act_view(back=LIST)
def run_again(request: HttpRequest, run_id: int) -> HttpResponse:
    """Request a run's plan again, with the same seed."""
    site = actions.read_site()
    number = posted_once(request, lambda: actions.run_again(actor=actor_of(request), run_id=run_id, site=site).pk)
    messages.success(
        request,
        _("Run %(number)s is queued with the values and the seed of run %(old)s.") % {"number": number, "old": run_id},
    )
    return _to(number)


@act_view(back=LIST)
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Cancel what of a run has not finished."""
    actions.cancel_run(actor=actor_of(request), run_id=run_id)
    messages.success(request, _("Run %(number)s is being cancelled.") % {"number": run_id})
    return _to(run_id)


@act_view(back=LIST)
def cancel_one(request: HttpRequest, execution_id: int) -> HttpResponse:
    """Cancel one scenario of a run."""
    actions.cancel_execution(actor=actor_of(request), execution_id=execution_id)
    messages.success(request, _("The scenario is being cancelled."))
    return redirect(_page_of(request, execution_id))


@act_view(back=LIST)
def attempt_execution_again(request: HttpRequest, execution_id: int) -> HttpResponse:
    """Attempt one scenario again that ended without finishing."""
    actions.attempt_again(actor=actor_of(request), execution_id=execution_id)
    messages.success(request, _("The scenario is queued for another attempt."))
    return redirect(_page_of(request, execution_id))


def _to(number: int) -> HttpResponse:
    return redirect("admin:testruns_run_change", number)


def _page_of(request: HttpRequest, execution_id: int) -> str:
    run_id = ScenarioExecution.objects.values_list("run_id", flat=True).get(pk=execution_id)
    return return_path(request, fallback=f"/admin/testruns/run/{run_id}/")
