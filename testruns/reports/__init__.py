"""Reports of a judged run: JSON for machines, Markdown and HTML for people, in English and German.

A report is a view, made from rows and evidence whenever it is asked for; nothing rests on its bytes.
"""

from __future__ import annotations

from testruns.models import Run
from testruns.reports.document import document_of
from testruns.reports.html_report import html_of
from testruns.reports.json_report import json_of
from testruns.reports.markdown_report import markdown_of
from testruns.reports.report import Report, build_report
from testruns.reports.words import LANGUAGES

KINDS = ("json", "markdown", "html")

__all__ = ["KINDS", "LANGUAGES", "Report", "build_report", "render"]


def render(*, run: Run, kind: str, language: str = "en") -> bytes:
    """The report of a judged run as bytes in UTF-8.

    kind: json, markdown or html. language: en or de. Raises ValueError for anything else and for a run that is not
    judged.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of report: {kind!r}; there are {', '.join(KINDS)}")
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}; there are {', '.join(LANGUAGES)}")
    report = build_report(run=run)
    if kind == "json":
        return json_of(report=report, language=language)
    document = document_of(report=report, language=language)
    return html_of(document) if kind == "html" else markdown_of(document)
