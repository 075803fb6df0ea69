"""The report as one HTML file: no script, nothing loaded from elsewhere, made for A4 paper."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import override

from testruns.reports.blocks import Document


def html_of(document: Document) -> bytes:
    """The document as HTML in UTF-8. Everything is escaped by the template engine."""
    with override(document.language):
        return render_to_string("testruns/report.html", {"document": document}).encode()
