"""The page on which somebody chooses the zone in which the screens say times to them."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.kernel.doors import person_of
from console.kernel.models import Person


@require_http_methods(["GET", "HEAD", "POST"])
def time_zone_page(request: HttpRequest) -> HttpResponse:
    """GET: the zones. POST: choose one, or none; like the language it is no act of the audit trail."""
    person, status = person_of(request), 200
    if request.method == "POST":
        chosen = request.POST.get("time_zone", "")
        if not chosen or chosen in zones():
            Person.objects.filter(pk=person.pk).update(time_zone=chosen)
            messages.success(
                request, _("Times are shown in the zone %(zone)s.") % {"zone": chosen or _("of the browser")}
            )
            return redirect("admin:own_time_zone")
        messages.error(request, _("There is no time zone “%(asked)s”.") % {"asked": chosen[:64]})
        status = 422
    context = {
        **admin.site.each_context(request),
        "title": _("Time zone"),
        "zones": zones(),
        "chosen": person.time_zone,
        "installed": settings.TIME_ZONE,
        "now": timezone.now(),
    }
    return TemplateResponse(request, "console/own_time_zone.html", context, status=status)


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The zones that people live in, by region, and UTC."""
    named = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
    return ("UTC", *sorted(named))
