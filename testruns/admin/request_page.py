"""The page that requests a run: what it costs and what it cannot answer stand beside the form before anyone presses."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.kernel.authority import Act
from console.kernel.doors import actor_of, explain, why_not
from console.kernel.errors import GatehouseError
from console.kernel.posted_once import posted_once
from testruns import actions
from testruns.admin.forecast import active_policy, forecast_of
from testruns.admin.request_form import RequestRunForm
from testruns.gates.policy import Policy
from testruns.plan import PROFILES, RunPlan
from testruns.scenarios import SCENARIOS

FOLDED = {
    "scenarios": ("scenarios",),
    "load": ("concurrency", "seed", "retry_injection", "anomaly_injection", "karma_available"),
}
"""Groups of fields that are folded away as long as all of them have their defaults."""


def request_run_page(request: HttpRequest) -> HttpResponse:
    """GET: the form with the seed's defaults. POST: request the run, or with `forecast` only work out the forecast."""
    policy = active_policy()
    soak_seconds = policy.values.soak_seconds
    form = RequestRunForm(request.POST or None, soak_seconds=soak_seconds)
    is_forecast = "forecast" in request.POST or "HX-Request" in request.headers
    is_asked = request.method == "POST" and not is_forecast
    if is_asked and form.is_valid():
        answer = _request(request, form.plan())
        if answer is not None:
            return answer
    opened = {name: form.is_unusual(*fields) for name, fields in FOLDED.items()}
    context = {"form": form, "opened": opened, "forecast": _forecast(form, policy), **_frame(policy)}
    if "HX-Request" in request.headers:
        return TemplateResponse(request, "testruns/forecast.html", context)
    context |= {"title": _("Request a run"), "why_not": why_not(request, Act.REQUEST_RUN)}
    return TemplateResponse(
        request,
        "testruns/request.html",
        {**admin.site.each_context(request), **context},
        status=422 if is_asked else 200,
    )


def _request(request: HttpRequest, plan: RunPlan) -> HttpResponse | None:
    """Call the action; None after a refusal, which is shown above the form that keeps its values."""
    site = actions.read_site()
    try:
        number = posted_once(request, lambda: actions.request_run(actor=actor_of(request), plan=plan, site=site).pk)
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return None
    messages.success(request, _("Run %(number)s is queued.") % {"number": number})
    return redirect("admin:testruns_run_change", number)


def _forecast(form: RequestRunForm, policy: Policy) -> Any:
    """The forecast of what is entered; of the defaults before anything is; None while the form has errors."""
    if form.is_bound:
        return forecast_of(plan=form.plan(), policy=policy) if form.is_valid() else None
    return forecast_of(plan=_plan_of_profile("quick", policy), policy=policy)


def _frame(policy: Policy) -> dict[str, Any]:
    full = forecast_of(plan=_plan_of_profile("full", policy), policy=policy)
    return {
        "profiles": [
            (name, forecast_of(plan=_plan_of_profile(name, policy), policy=policy).planned_seconds) for name in PROFILES
        ],
        "full_seconds": full.planned_seconds,
        "soak_seconds": policy.values.soak_seconds,
        "offered_rate": policy.values.offered_rate,
        "scenarios": tuple(SCENARIOS.values()),
    }


def _plan_of_profile(name: str, policy: Policy) -> RunPlan:
    return RunPlan.of_profile(profile=name, soak_seconds=policy.values.soak_seconds)
