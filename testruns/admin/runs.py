"""The run model in the admin: its addresses, the list, the page of one run and its live updates."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple, cast

from django.contrib import admin, messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.kernel.authority import Act, Role
from console.kernel.doors import ReadOnlyAdmin, Section, View, add_section, roles_of, why_not
from console.kernel.live import SharedUpdate, add_live_address
from testruns.admin import downloads, run_acts
from testruns.admin.compare_page import before, compare_page
from testruns.admin.import_page import import_results_page
from testruns.admin.print_page import print_page, print_style
from testruns.admin.request_page import request_run_page
from testruns.admin.run_charts import charts_card
from testruns.admin.run_choice import ORDERS, RunChoice, choices
from testruns.admin.run_list import FILTERS, RunFilter, page_of_runs
from testruns.admin.run_page import read_run_page
from testruns.admin.unreadable import says_what_is_unreadable
from testruns.models import Run
from testruns.reading import ACTIVE, list_token, run_token

FRAGMENT_SECONDS = 60
_rendering = threading.Lock()

add_section(
    Section(code="runs", title=gettext_lazy("Runs"), icon="runs", url_name="admin:testruns_run_changelist", order=20)
)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs: a list, one page each, and the acts the authority table allows."""

    def get_urls(self) -> list[URLPattern]:
        """The addresses under `testruns/run/`; none of Django's own, which would offer forms."""
        wrap = self.admin_site.admin_view

        def read(view: View) -> View:
            return wrap(require_safe(view))

        def careful(view: View) -> View:
            return read(says_what_is_unreadable(view))

        return [
            path("", read(self.changelist_view), name="testruns_run_changelist"),
            path("request/", wrap(request_run_page), name="testruns_run_request"),
            path("compare/", careful(compare_page), name="testruns_run_compare"),
            path("import/", wrap(import_results_page), name="testruns_run_import"),
            path("request/full/", wrap(run_acts.request_full_run), name="testruns_run_full"),
            path("<int:run_id>/", careful(self.page_view), name="testruns_run_change"),
            path("<int:run_id>/live/", careful(self.live_view), name="testruns_run_live"),
            path("<int:run_id>/cancel/", wrap(run_acts.cancel), name="testruns_run_cancel"),
            path("<int:run_id>/again/", wrap(run_acts.run_again), name="testruns_run_again"),
            path(
                "execution/<int:execution_id>/again/",
                wrap(run_acts.attempt_execution_again),
                name="testruns_execution_again",
            ),
            path("execution/<int:execution_id>/cancel/", wrap(run_acts.cancel_one), name="testruns_execution_cancel"),
            path("<int:run_id>/report.<str:kind>", careful(downloads.report), name="testruns_run_report"),
            path("<int:run_id>/print/", careful(print_page), name="testruns_run_print"),
            path("<int:run_id>/print.css", careful(print_style), name="testruns_run_print_style"),
            path("<int:run_id>/manifest.json", read(downloads.manifest), name="testruns_run_manifest"),
            path("<int:run_id>/evidence/<int:binding_id>/", read(downloads.evidence), name="testruns_run_evidence"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; its live update answers 204 while no run has changed."""
        token = list_token()
        is_update = "HX-Request" in request.headers
        if is_update and request.GET.get("token") == token:
            return HttpResponse(status=204)
        narrowed = RunFilter.of(request)
        page = page_of_runs(narrowed=narrowed, number=request.GET.get("page"))
        query = request.GET.copy()
        for name in ("token", "page", *(unknown.name for unknown in narrowed.unknown)):
            query.pop(name, None)
        context = {
            "page": page,
            "page_numbers": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
            "narrowed": narrowed,
            "filters": FILTERS,
            "query": query.urlencode(),
            "token": token,
            "is_live": any(run.state in ACTIVE for run in page.object_list),
        }
        if is_update:
            content = render_to_string("testruns/run_lines.html", context)
            return SharedUpdate(content, token=token, roles=roles_of(request))
        for unknown in narrowed.unknown:
            messages.warning(request, str(unknown))
        frame = {
            **self.admin_site.each_context(request),
            "title": _("Runs"),
            "why_not": why_not(request, Act.REQUEST_RUN),
        }
        return TemplateResponse(request, "testruns/run_list.html", {**frame, **context})

    def page_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The page of one run; its changing part is the same rendering that updates bring."""
        choice = RunChoice.of(request)
        token = run_token(run_id=run_id)
        rendered = _rendered(run_id=run_id, token=token, roles=roles_of(request), choice=choice)
        for remark in choice.remarks():
            messages.warning(request, remark)
        context = {
            **self.admin_site.each_context(request),
            "title": rendered.title,
            "number": run_id,
            "rendered": rendered.content,
        }
        return TemplateResponse(request, "testruns/run.html", context)

    def live_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The changing part of a run's page, 204 when the reader already has it."""
        token = run_token(run_id=run_id)
        if token == request.GET.get("token"):
            return HttpResponse(status=204)
        roles = roles_of(request)
        rendered = _rendered(run_id=run_id, token=token, roles=roles, choice=RunChoice.of(request))
        content = format_html("<title>{} · Gatehouse</title>{}", rendered.title, rendered.content)
        return SharedUpdate(content, token=token, roles=roles)


class Rendered(NamedTuple):
    """A run as HTML, and the title of a window that shows it."""

    title: str
    content: SafeString


def _rendered(*, run_id: int, token: str, roles: frozenset[Role], choice: RunChoice) -> Rendered:
    """A run rendered once per version, however many readers ask at the same moment. Http404.

    It depends on run, version, language, time zone, roles and choice only: the token that its buttons need stands
    outside of it.
    """
    reader = f"{get_language()}:{timezone.get_current_timezone_name()}:{'.'.join(sorted(roles))}"
    key = f"run:{run_id}:{token}:{reader}:{choice.query}"
    rendered = cache.get(key)
    if rendered is None:
        with _rendering:
            rendered = cache.get(key) or _render(run_id=run_id, token=token, roles=roles, choice=choice)
            cache.set(key, rendered, FRAGMENT_SECONDS)
    return cast("Rendered", rendered)


def _render(*, run_id: int, token: str, roles: frozenset[Role], choice: RunChoice) -> Rendered:
    page = read_run_page(run_id=run_id, roles=roles)
    if page is None:
        raise Http404
    title = _("Run %(number)s") % {"number": run_id}
    if page.is_live:
        title = f"{page.progress_ppm // 10_000} % · {title}"
    context = {
        "page": page,
        "token": token,
        "choice": choice,
        "rules": choice.rules(page.rules),
        "filters": choices(),
        "orders": ORDERS,
        "charts": charts_card(page, choice),
        "before": before(page.run) if page.is_judged else None,
    }
    return Rendered(title=title, content=render_to_string("testruns/run_live.html", context))


add_live_address(pattern=r"/admin/testruns/run/(?P<run_id>[0-9]{1,18})/live/", token=run_token)
add_live_address(pattern=r"/admin/testruns/run/", token=list_token)
