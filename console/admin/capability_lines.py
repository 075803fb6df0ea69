"""What a phase lets be switched on: how it stands, and the act that switches it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console import actions
from console.actions.refusals import NoStandingRelease
from console.capabilities import CAPABILITIES, Capability
from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, return_path, why_not
from console.models import CapabilityAct
from console.releases import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class CapabilityLine:
    """One capability; why_not: why the viewer cannot switch it now."""

    capability: Capability
    act: CapabilityAct | None
    why_not: str

    @property
    def is_on(self) -> bool:
        """As the last act on record left it."""
        return self.act is not None and self.act.is_on


def capability_lines(request: HttpRequest, *, standing: Standing) -> tuple[CapabilityLine, ...]:
    """Those of one phase."""
    return tuple(
        _line(request, capability, standing)
        for capability in CAPABILITIES.values()
        if capability.phase == standing.phase.code
    )


@act_view(back="admin:releases")
def switch_capability(request: HttpRequest, code: str) -> HttpResponse:
    """Switch it on or off, with a reason."""
    is_on = request.POST.get("is_on") == "1"
    actions.switch_capability(
        actor=actor_of(request), capability=code, is_on=is_on, reason=request.POST.get("reason", "")
    )
    messages.success(request, _("It is switched on.") if is_on else _("It is switched off."))
    return redirect(return_path(request, fallback="/admin/releases/"))


def _line(request: HttpRequest, capability: Capability, standing: Standing) -> CapabilityLine:
    last = CapabilityAct.objects.filter(capability=capability.code).select_related("person").order_by("-pk").first()
    is_on = last is not None and last.is_on
    refused = ""
    if not is_on and not standing.effect.may_switch_on:
        what = {"capability": capability.title, "phase": capability.phase, "state": standing.effect.label}
        refused = explain(NoStandingRelease(**what))
    return CapabilityLine(capability=capability, act=last, why_not=why_not(request, Act.SWITCH_CAPABILITY) or refused)
