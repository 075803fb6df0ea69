"""The first page: phases and what blocks them, what runs, the last recommendation, first steps on empty storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.admin.inbox import inbox_of
from console.admin.margins import margins, rows_of
from console.admin.own_time_zone import time_zone_page
from console.admin.phase_board import board_of
from console.kernel.authority import Act
from console.kernel.doors import Page, Section, add_section, roles_of, why_not
from console.kernel.live import SharedUpdate, add_live_address
from console.models import Phase
from console.releases import Look
from console.releases.board import phase_board
from console.templatetags.gatehouse import spoken
from ledger.condition import live_condition
from testruns.models import Run
from testruns.plan import IMPORT_PROFILE
from testruns.reading import ACTIVE, CarefulReading, Doing, doing_of, list_token, listed_runs

RUNNING_MAX = 10
RECENT_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningLine:
    """A run that waits or runs, with what it is doing; None while nothing of it is executed."""

    run: Run
    doing: Doing | None


def run_context() -> dict[str, Any]:
    """What runs, what was recommended last, and the last runs."""
    careful = CarefulReading()
    courses = margins(careful=careful)
    running = list(listed_runs().filter(state__in=ACTIVE).order_by("pk")[:RUNNING_MAX])
    recent = list(listed_runs().exclude(state__in=ACTIVE)[:RECENT_MAX])
    doing = doing_of(running, now=timezone.now(), careful=careful)
    last = _last_judged((*running, *recent))
    sentence = careful.of(last.pk, partial(spoken, last.sentence, last.sentence_params)) if last else None
    return {
        "running": [RunningLine(run=run, doing=doing.get(run.pk)) for run in running],
        "recent": recent,
        "last": last,
        "sentence": sentence,
        "unreadable": sorted(careful.unreadable),
        "is_live": bool(running),
        "token": list_token(),
        "margins": courses,
        "margin_rows": rows_of(courses),
    }


def _last_judged(at_hand: Sequence[Run]) -> Run | None:
    """The newest run with a recommendation, mostly one that is read already."""
    judged = Run.objects.exclude(recommendation="").exclude(profile=IMPORT_PROFILE).order_by("-pk")
    last = judged.values_list("pk", flat=True).first()
    known = {run.pk: run for run in at_hand}
    return known.get(last) or listed_runs().filter(pk=last).first() if last is not None else None


def home_page(request: HttpRequest, site: admin.AdminSite, extra_context: dict[str, Any] | None) -> TemplateResponse:
    """The whole page."""
    look = Look(now=timezone.now())
    context = {
        **site.each_context(request),
        "title": _("Home"),
        "why_not": why_not(request, Act.REQUEST_RUN),
        "journal_condition": live_condition(),
        "board": board_of(phase_board(look=look)),
        "waiting": inbox_of(request, look=look),
        "active_phases": [phase for phase in look.phases if phase.state == Phase.State.ACTIVE],
        **run_context(),
        **(extra_context or {}),
    }
    return TemplateResponse(request, "admin/index.html", context)


def home_runs(request: HttpRequest) -> HttpResponse:
    """The part of the first page that changes while something runs; 204 while nothing has."""
    token = list_token()
    if request.GET.get("token") == token:
        return HttpResponse(status=204)
    context = {**run_context(), "why_not": why_not(request, Act.REQUEST_RUN), "token": token}
    content = render_to_string("console/home_runs.html", context)
    return SharedUpdate(content, token=token, roles=roles_of(request))


add_live_address(pattern=r"/admin/home/runs/", token=list_token)
add_section(
    Section(
        code="home",
        title=gettext_lazy("Home"),
        icon="home",
        url_name="admin:index",
        order=10,
        pages=(
            Page(route="home/runs/", view=home_runs, name="home_runs"),
            Page(route="own/time-zone/", view=time_zone_page, name="own_time_zone"),
        ),
    )
)
