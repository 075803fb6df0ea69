"""The report of a run as a page to read and print: A4, numbered, the digest it rests on at the foot of every page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language, override

from testruns import reports
from testruns.models import Run


def print_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """The report in the language asked for, else in the reader's. Everything it says is escaped, nothing is run."""
    run = _judged(run_id)
    language = _language(request)
    document = reports.document_of(report=reports.build_report(run=run), language=language)
    with override(language):
        return render(request, "testruns/print.html", {"document": document, "run": run})


def print_style(request: HttpRequest, run_id: int) -> HttpResponse:
    """The style sheet of that page. It is of one run: only a style sheet can write on the margin of paper."""
    run = _judged(run_id)
    with override(_language(request)):
        context = {"footer": reports.footer_of(run)}
        return render(request, "testruns/report.css", context, content_type="text/css; charset=utf-8")


def _judged(run_id: int) -> Run:
    run = get_object_or_404(Run, pk=run_id)
    if not run.recommendation:
        raise Http404
    return run


def _language(request: HttpRequest) -> str:
    for language in (request.GET.get("language", ""), (get_language() or "")[:2]):
        if language in reports.LANGUAGES:
            return language
    return reports.LANGUAGES[0]
