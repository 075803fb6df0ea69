"""The pages of phases: all of them as a board, one with its checklist, and the preview that opens a release request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from console import actions
from console.actions.refusals import OpenAlready
from console.admin.capability_lines import capability_lines
from console.admin.phase_board import board_of
from console.admin.seat_words import lost_seats
from console.kernel.authority import Act
from console.kernel.doors import act_view, actor_of, explain, return_path, roles_of, why_not
from console.kernel.errors import GatehouseError
from console.kernel.live import is_update
from console.models import Phase, ReleaseRequest
from console.release_manifest import difference
from console.release_states import RequestState
from console.releases import Evidence, Look
from console.releases.board import history_page, newest_build, phase_board, phase_view
from console.releases.evidence import ListedRun
from console.releases.request_view import RUNS_MAX
from ledger.conf import live_journal
from ledger.verifying.starting import standing_of
from testruns.actions import builds_that_ran
from testruns.models import Build

BUILDS_MAX = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewedRun:
    """A run as a request opened now would bind it."""

    run: ListedRun
    is_deciding: bool
    needs_answer: bool


@require_safe
def releases_page(request: HttpRequest) -> HttpResponse:
    """Every phase that waits for a release as a board, and the requests of all of them."""
    now = timezone.now()
    context = {
        "title": _("Releases"),
        "board": board_of(phase_board(look=Look(now=now))),
        "requests": history_page(ReleaseRequest.objects.all(), asked=request.GET, now=now),
    }
    return _page(request, "console/releases/releases.html", context)


@require_safe
def phase_page(request: HttpRequest, code: str) -> HttpResponse:
    """One phase: its checklist, the people, open conditions, capabilities and its requests. 204 to an update while the
    verification that it follows is no further.
    """
    verifying = standing_of(live_journal())
    if verifying.is_running and is_update(request) and request.GET.get("token") == verifying.token:
        return HttpResponse(status=204)
    now = timezone.now()
    try:
        view = phase_view(code, now=now)
    except Phase.DoesNotExist:
        raise Http404 from None
    red = [item for item in view.line.checklist if not item.is_green]
    context = {
        "title": _("Phase %(code)s") % {"code": code},
        "line": view.line,
        "build": view.line.build,
        "is_active": view.line.standing.is_active,
        "red": red,
        "is_closing": view.line.state is RequestState.CONDITIONAL,
        "requests": history_page(ReleaseRequest.objects.filter(phase=view.line.phase), asked=request.GET, now=now),
        "signed": view.signed,
        "verification": view.verification,
        "why_not_verify": why_not(request, Act.VERIFY_JOURNAL),
        "verifying": verifying,
        "capabilities": capability_lines(request, standing=view.line.standing),
    }
    return _page(request, "console/releases/phase.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def preview_page(request: HttpRequest, code: str) -> HttpResponse:
    """GET: what a request would freeze. POST: open it."""
    phase = Phase.objects.filter(code=code).exclude(state=Phase.State.ACTIVE).first()
    if phase is None:
        raise Http404
    build = _asked_build(request.POST.get("build") or request.GET.get("build"))
    if request.method == "POST" and build is not None:
        try:
            opened = actions.open_request(actor=actor_of(request), phase=code, build_id=build.pk)
        except GatehouseError as refusal:
            messages.error(request, explain(refusal))
        else:
            messages.success(request, _("Release request %(number)s is open.") % {"number": opened.pk})
            return redirect("admin:release_request", opened.pk)
    context = {
        "title": _("Release request for phase %(phase)s") % {"phase": code},
        "phase": phase,
        "build": build,
        "builds": _builds(),
        "why_not": why_not(request, Act.OPEN_REQUEST),
        "lost_seats": lost_seats(Act.OPEN_REQUEST, roles=roles_of(request)),
        **(_previewed(phase, build) if build is not None else {}),
    }
    return _page(request, "console/releases/preview.html", context, status=409 if request.method == "POST" else 200)


@act_view(back="admin:releases")
def verify_journal(request: HttpRequest, code: str) -> HttpResponse:
    """Have the live journal verified and go back to the phase, which follows it."""
    if actions.start_live_verification(actor=actor_of(request)):
        messages.success(request, _("The live journal is being verified. What is found will stand here."))
    else:
        messages.info(request, _("The live journal is being verified already. What is found will stand here."))
    return redirect(return_path(request, fallback=f"/admin/releases/phase/{code}/"))


def _previewed(phase: Phase, build: Build) -> dict[str, Any]:
    try:
        preview = actions.preview_request(phase=phase.code, build_id=build.pk)
    except GatehouseError as refusal:
        return {"refusal": explain(refusal)}
    evidence, standing = preview.evidence, preview.open_request
    last = ReleaseRequest.objects.filter(phase=phase).order_by("-pk").first()
    return {
        "preview": preview,
        "evidence": evidence,
        "runs": _runs(evidence),
        "changes": None if last is None else difference(json.loads(last.manifest), preview.manifest),
        "deadline_at": timezone.now() + timedelta(days=evidence.values.request_deadline_days),
        "refusal": explain(OpenAlready(phase=phase.code, request=standing.pk)) if standing else "",
    }


def _runs(evidence: Evidence) -> tuple[PreviewedRun, ...]:
    """Those that decide or must be answered first, as on the page of a request."""
    deciding, to_answer = set(evidence.selection.deciding), set(evidence.selection.to_answer)
    telling = deciding | to_answer
    in_order = sorted(evidence.runs, key=lambda run: run.pk not in telling)
    return tuple(
        PreviewedRun(run=run, is_deciding=run.pk in deciding, needs_answer=run.pk in to_answer)
        for run in in_order[:RUNS_MAX]
    )


def _asked_build(asked: str | None) -> Build | None:
    if asked is None:
        return newest_build()
    build = Build.objects.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 10 else None
    if build is None:
        raise Http404
    return build


def _builds() -> list[Build]:
    """Those something ran on, the newest first."""
    return list(builds_that_ran()[:BUILDS_MAX])


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)
