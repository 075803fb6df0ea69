"""The pages of builds: all of them with a search, and everything about one commit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.kernel.doors import explain
from console.releases.build_view import SEARCH_MAX, build_view, listed_builds
from console.releases.builds import CommitAmbiguous, CommitMalformed, builds_named, name_of


@require_safe
def builds_page(request: HttpRequest) -> HttpResponse:
    """Every build, the one that ran last first."""
    search = request.GET.get("q", "").strip()[:SEARCH_MAX]
    page = listed_builds(search=search, asked=request.GET, now=timezone.now())
    context = {"title": _("Builds"), "search": search, "page": page}
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
    now = timezone.now()
    context = {
        "title": _("Build %(build)s") % {"build": (builds[0].commit or builds[0].tree_digest)[:12]},
        "build": build_view(builds, asked=request.GET, now=now),
        "now": now,
    }
    return _page(request, "console/releases/build.html", context)


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
