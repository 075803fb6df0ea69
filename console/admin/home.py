"""The first page: phases and what blocks them, what runs, the last recommendation, first steps on empty storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.kernel.authority import Act
from console.kernel.doors import Page, Section, add_section, why_not
from console.models import Phase, PhaseDependency
from ledger.admin.journals import live_condition
from testruns.admin.run_list import ACTIVE, list_token, listed_runs

RUNNING_MAX = 10
RECENT_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseLine:
    """A phase, what must be released before it, and what it opens."""

    phase: Phase
    opened_by: tuple[str, ...]
    opens: tuple[str, ...]

    @property
    def is_active(self) -> bool:
        """Whether it is in use."""
        return self.phase.state == Phase.State.ACTIVE

    @property
    def blocker(self) -> str:
        """What blocks it, in the reader's language."""
        if self.is_active:
            return _("In use; no release on record.")
        if self.opened_by:
            return _("Waits for the release of %(phases)s, then for its own.") % {"phases": ", ".join(self.opened_by)}
        return _("Waits for its release: full runs that recommend GO, then the signatures.")


def phase_lines() -> tuple[PhaseLine, ...]:
    """Every phase in the order of the roadmap. Two queries."""
    phases = list(Phase.objects.order_by("position"))
    codes = {phase.pk: phase.code for phase in phases}
    edges = list(PhaseDependency.objects.values_list("opener_id", "opened_id"))
    return tuple(
        PhaseLine(
            phase=phase,
            opened_by=tuple(codes[opener] for opener, opened in edges if opened == phase.pk),
            opens=tuple(codes[opened] for opener, opened in edges if opener == phase.pk),
        )
        for phase in phases
    )


def run_context() -> dict[str, Any]:
    """What runs, what was recommended last, and the last runs."""
    running = list(listed_runs().filter(state__in=ACTIVE).order_by("pk")[:RUNNING_MAX])
    recent = list(listed_runs().exclude(state__in=ACTIVE)[:RECENT_MAX])
    judged = [run for run in recent if run.recommendation]
    if not judged:
        judged = list(listed_runs().exclude(recommendation="")[:1])
    return {
        "running": running,
        "recent": recent,
        "last": judged[0] if judged else None,
        "is_live": bool(running),
        "token": list_token(),
    }


def home_page(request: HttpRequest, site: admin.AdminSite, extra_context: dict[str, Any] | None) -> TemplateResponse:
    """The whole page."""
    lines = phase_lines()
    context = {
        **site.each_context(request),
        "title": _("Home"),
        "why_not": why_not(request, Act.REQUEST_RUN),
        "journal_condition": live_condition(),
        "waiting_phases": [line for line in lines if not line.is_active],
        "active_phases": [line for line in lines if line.is_active],
        **run_context(),
        **(extra_context or {}),
    }
    return TemplateResponse(request, "admin/index.html", context)


def home_runs(request: HttpRequest) -> HttpResponse:
    """The part of the first page that changes while something runs; 204 while nothing has."""
    if request.GET.get("token") == list_token():
        return HttpResponse(status=204)
    context = {**run_context(), "why_not": why_not(request, Act.REQUEST_RUN)}
    return TemplateResponse(request, "console/home_runs.html", context)


add_section(
    Section(
        code="home",
        title=gettext_lazy("Home"),
        icon="home",
        url_name="admin:index",
        order=10,
        pages=(Page(route="home/runs/", view=home_runs, name="home_runs"),),
    )
)
