"""The pages of builds: all of them with a search, and everything about one commit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.kernel.doors import explain
from console.releases.build_view import SEARCH_MAX, build_view, listed_builds, runs_of_builds
from console.releases.builds import CommitAmbiguous, CommitMalformed, builds_named, name_of
from testruns.recommendation import Recommendation

RUNS_PER_PAGE = 25


@require_safe
def builds_page(request: HttpRequest) -> HttpResponse:
    """Every build, the one that ran last first."""
    search = request.GET.get("q", "").strip()[:SEARCH_MAX]
    page = listed_builds(search=search, number=request.GET.get("page"), now=timezone.now())
    context = {"title": _("Builds"), "search": search, "page": page, "page_numbers": _numbers(page)}
    return _page(request, "console/releases/builds.html", context)


@require_safe
def build_page(request: HttpRequest, name: str) -> HttpResponse:
    """One commit. The beginning of it leads to it while only one begins so, else to the search."""
    try:
        builds = builds_named(name)
    except CommitMalformed:
        raise Http404 from None
    except CommitAmbiguous as several:
        messages.warning(request, explain(several))
        return redirect(f"{reverse('admin:release_builds')}?{urlencode({'q': name})}")
    if not builds:
        raise Http404
    if name != name_of(builds[0]):
        return redirect("admin:release_build", name_of(builds[0]))
    view = build_view(builds, now=timezone.now())
    wanted = request.GET.get("recommendation", "")
    runs = runs_of_builds(builds)
    if wanted in tuple(Recommendation):
        runs = runs.filter(recommendation=wanted)
    page = Paginator(runs, RUNS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("Build %(build)s") % {"build": (builds[0].commit or builds[0].tree_digest)[:12]},
        "build": view,
        "page": page,
        "page_numbers": _numbers(page),
        "wanted": wanted,
        "now": timezone.now(),
    }
    return _page(request, "console/releases/build.html", context)


def _numbers(page: Any) -> list[Any]:
    return list(page.paginator.get_elided_page_range(page.number))


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
