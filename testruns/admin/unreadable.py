"""Pages of a run of which a row is not what was written: they say so, and what can be done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from testruns.models import Run
from testruns.reading import UNREADABLE

Named = ParamSpec("Named")
View = Callable[Concatenate[HttpRequest, Named], HttpResponse]

logger = logging.getLogger(__name__)


def says_what_is_unreadable(view: View[Named]) -> View[Named]:
    """The view, which answers with 500 and what to do now where what is stored cannot be shown. The log says why."""

    @wraps(view)
    def careful(request: HttpRequest, /, *args: Named.args, **kwargs: Named.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response
        except UNREADABLE:
            logger.exception("what is stored cannot be shown at %s", request.path)
            run_id = kwargs.get("run_id")
            return _unreadable(request, run_id if isinstance(run_id, int) else None)

    return careful


def _unreadable(request: HttpRequest, run_id: int | None) -> HttpResponse:
    if run_id is None:
        title = _("These runs cannot be shown")
    else:
        title = _("Run %(number)s cannot be shown") % {"number": run_id}
    context = {
        **admin.site.each_context(request),
        "title": title,
        "run_id": run_id,
        "has_manifest": Run.objects.filter(pk=run_id or 0).exclude(manifest="").exists(),
    }
    return TemplateResponse(request, "testruns/unreadable.html", context, status=500).render()
