"""The page that holds two runs beside each other; which two stands in the address."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from testruns.admin.comparison import compare
from testruns.models import Run
from testruns.reading import read_run
from testruns.run_states import RunState

OFFERED_MAX = 50
_DIGITS_MAX = 18


def compare_page(request: HttpRequest) -> HttpResponse:
    """`a` and `b` are numbers of runs; without two that exist the page asks for them."""
    numbers = compared(request)
    views = {name: read_run(run_id=number) if number else None for name, number in numbers.items()}
    missing = [request.GET[name] for name, view in views.items() if request.GET.get(name) and view is None]
    first, second = views["a"], views["b"]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Compare runs"),
        "offered": _offered([number for name, number in numbers.items() if views[name]]),
        "numbers": numbers,
        "missing": [text[:_DIGITS_MAX] for text in missing],
        "comparison": compare(first, second) if first and second else None,
    }
    return TemplateResponse(request, "testruns/compare.html", context, status=404 if missing else 200)


def compared(request: HttpRequest) -> dict[str, int]:
    """The numbers of the two runs; 0 for what is none."""
    return {name: _number(request.GET.get(name, "")) for name in ("a", "b")}


def before(run: Run) -> int | None:
    """The judged run of the same profile before this one; None for the first. One query."""
    earlier = Run.objects.filter(pk__lt=run.pk, profile=run.profile).exclude(recommendation="")
    return earlier.order_by("-pk").values_list("pk", flat=True).first()


def _number(text: str) -> int:
    """0 for what is no number of a run."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX else 0


def _offered(chosen: list[int]) -> list[dict[str, Any]]:
    """The last runs that began and the chosen ones, the newest first."""
    fields = ("pk", "profile", "recommendation", "state", "requested_at")
    begun = Run.objects.exclude(state=RunState.QUEUED.value).order_by("-pk")
    rows = {row["pk"]: row for row in begun.values(*fields)[:OFFERED_MAX]}
    if left := [number for number in chosen if number not in rows]:
        rows |= {row["pk"]: row for row in Run.objects.filter(pk__in=left).values(*fields)}
    return [rows[number] for number in sorted(rows, reverse=True)]
