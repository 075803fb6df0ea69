"""The report as one HTML file: no script, nothing loaded from elsewhere, made for A4 paper."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from testruns.models import Run
from testruns.reports.blocks import Document


def html_of(document: Document, *, run: Run) -> bytes:
    """The document as HTML in UTF-8. Everything is escaped by the template engine."""
    with override(document.language):
        context = {"document": document, "footer": footer_of(run)}
        return render_to_string("testruns/report.html", context).encode()


def footer_of(run: Run) -> str:
    """What stands on every page of paper, in the active language: the run, and the digest it rests on.

    A style sheet writes it there, so it must not hold a quotation mark or a backslash.
    """
    if not run.manifest_digest:
        return _("Run %(run)s, provisional, without a manifest") % {"run": run.pk}
    return _("Run %(run)s, run manifest SHA-256 %(digest)s") % {"run": run.pk, "digest": run.manifest_digest}
