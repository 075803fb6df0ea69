"""Pages of a run whose rows are not what was judged: they say so, and what can be done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from testruns.actions import is_altered
from testruns.admin.compare_page import compared
from testruns.models import Run
from testruns.reading import UNREADABLE

Named = ParamSpec("Named")
View = Callable[Concatenate[HttpRequest, Named], HttpResponse]

logger = logging.getLogger(__name__)


def says_what_is_unreadable(view: View[Named]) -> View[Named]:
    """The view, which answers with 500 and what to do now where a frozen run was altered so that it cannot be shown.

    The log says why. Where the rows are those that were judged, the fault is ours, and goes on as every other.
    """

    @wraps(view)
    def careful(request: HttpRequest, /, *args: Named.args, **kwargs: Named.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response
        except UNREADABLE:
            named = kwargs.get("run_id")
            shown = [named] if isinstance(named, int) else compared(request).values()
            altered = next((number for number in shown if is_altered(run_id=number)), None)
            if altered is None:
                raise
            logger.exception("run %s was altered and cannot be shown at %s", altered, request.path)
            return unreadable_page(request, run_id=altered)

    return careful


def unreadable_page(request: HttpRequest, *, run_id: int) -> HttpResponse:
    """Which run cannot be shown, and what can be done."""
    context = {
        **admin.site.each_context(request),
        "title": _("Run %(number)s cannot be shown") % {"number": run_id},
        "run_id": run_id,
        "has_manifest": Run.objects.filter(pk=run_id).exclude(manifest="").exists(),
    }
    return TemplateResponse(request, "testruns/unreadable.html", context, status=500).render()
