"""Waivers: the list, the form that asks for one, the page on which another person answers."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from console import actions
from console.actions.refusals import OwnWaiverAnswer
from console.admin.seat_words import lost_seats
from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, person_of, roles_of, why_not
from console.kernel.errors import GatehouseError
from console.models import Phase, Waiver
from testruns.actions import active_policy, builds_that_ran, rules_of
from testruns.gates.policy import Policy
from testruns.models import Build
from testruns.overlay import why_not_waivable

WAIVERS_MAX = 200
BUILDS_MAX = 30


class WaiverForm(forms.Form):
    """What a waiver is asked for."""

    phase = forms.ModelChoiceField(
        label=gettext_lazy("Phase"), queryset=Phase.objects.none(), to_field_name="code", empty_label=None
    )
    build = forms.ModelChoiceField(label=gettext_lazy("Build"), queryset=Build.objects.none(), empty_label=None)
    rule_code = forms.ChoiceField(label=gettext_lazy("Rule"), widget=forms.RadioSelect)
    expires = forms.DateField(
        label=gettext_lazy("Valid through"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason (at least 10 characters)"),
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "low"}),
    )

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        """Offer the rules of the policy that can be waived, and the builds somebody ran something on."""
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["phase"].queryset = Phase.objects.exclude(state=Phase.State.ACTIVE).order_by("position")
        newest = builds_that_ran().values_list("pk", flat=True)
        fields["build"].queryset = Build.objects.filter(pk__in=list(newest[:BUILDS_MAX])).order_by("-pk")
        fields["rule_code"].choices = [
            (rule.code, f"{rule.code} {_(rule.question)}") for rule in policy.rules if not why_not_waivable(rule)
        ]
        fields["expires"].help_text = _("At most %(days)s days from now.") % {"days": policy.values.waiver_days_max}


@require_http_methods(["GET", "HEAD", "POST"])
def waivers_page(request: HttpRequest) -> HttpResponse:
    """GET: every waiver and the form. POST: ask for one."""
    policy = rules_of(active_policy())
    asked = {name: request.GET.get(name, "") for name in ("phase", "build", "rule_code")}
    initial = {**asked, "expires": timezone.localdate() + timedelta(days=min(7, policy.values.waiver_days_max - 1))}
    form = WaiverForm(request.POST or None, policy=policy, initial=initial)
    refused, status = "", 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                return _asked(request, form)
            except GatehouseError as refusal:
                refused, status = explain(refusal), 409
    rows = Waiver.objects.select_related("phase", "build", "requested_by", "answer").order_by("-pk")
    context = {
        **admin.site.each_context(request),
        "title": _("Waivers"),
        "waivers": list(rows[:WAIVERS_MAX]),
        "now": timezone.now(),
        "form": form,
        "refused": refused,
        "lost_seats": lost_seats(Act.REQUEST_WAIVER, roles=roles_of(request)),
        "why_not": why_not(request, Act.REQUEST_WAIVER),
    }
    return TemplateResponse(request, "console/releases/waivers.html", context, status=status)


@require_safe
def waiver_page(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """One waiver."""
    rows = Waiver.objects.select_related("phase", "build", "policy", "requested_by", "answer__answered_by")
    waiver = get_object_or_404(rows, pk=waiver_id)
    is_own = waiver.requested_by_id == person_of(request).pk
    context = {
        **admin.site.each_context(request),
        "title": f"W-{waiver_id}",
        "waiver": waiver,
        "now": timezone.now(),
        "why_not": why_not(request, Act.APPROVE_WAIVER)
        or (explain(OwnWaiverAnswer(waiver=waiver_id)) if is_own else ""),
    }
    return TemplateResponse(request, "console/releases/waiver.html", context)


@act_view(back="admin:release_waivers")
def answer(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """Approve or deny it."""
    is_approved = request.POST.get("is_approved") == "1"
    reason = request.POST.get("reason", "")
    actions.answer_waiver(actor=actor_of(request), waiver_id=waiver_id, is_approved=is_approved, reason=reason)
    messages.success(request, _("The waiver is approved.") if is_approved else _("The waiver is denied."))
    return redirect(reverse("admin:release_waiver", args=[waiver_id]))


def _asked(request: HttpRequest, form: WaiverForm) -> HttpResponse:
    given = form.cleaned_data
    waiver = actions.request_waiver(
        actor=actor_of(request),
        phase=given["phase"].code,
        build_id=given["build"].pk,
        rule_code=given["rule_code"],
        reason=given["reason"],
        expires_at=datetime.combine(given["expires"] + timedelta(days=1), time.min, tzinfo=UTC),
    )
    messages.success(request, _("Asked. Another person answers it."))
    return redirect("admin:release_waiver", waiver.pk)
