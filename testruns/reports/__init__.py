"""Reports of a judged run: JSON and JUnit XML for machines, Markdown and HTML for people, in English and German.

A report is a view, made from rows and evidence whenever it is asked for; nothing rests on its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from testruns.models import Run
from testruns.release_context import context_of
from testruns.reports.document import document_of
from testruns.reports.html_report import footer_of, html_of
from testruns.reports.json_report import json_of
from testruns.reports.junit_report import junit_of
from testruns.reports.markdown_report import markdown_of
from testruns.reports.report import Report, build_report
from testruns.reports.words import LANGUAGES

__all__ = [
    "FORMATS",
    "KINDS",
    "LANGUAGES",
    "Report",
    "ReportFile",
    "build_report",
    "document_of",
    "file_of",
    "footer_of",
    "render",
]


class Format(NamedTuple):
    """A kind of report as a file."""

    media_type: str
    suffix: str


class ReportFile(NamedTuple):
    """A report as a door hands it out."""

    name: str
    media_type: str
    content: bytes


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": Format("application/json", "json"),
        "markdown": Format("text/markdown; charset=utf-8", "md"),
        "html": Format("text/html; charset=utf-8", "html"),
        "junit": Format("application/xml", "junit.xml"),
    }
)
KINDS = tuple(FORMATS)


def file_of(*, run: Run, kind: str, language: str, run_url: str) -> ReportFile:
    """The report of a judged run as a file; as `render`."""
    content = render(run=run, kind=kind, language=language, run_url=run_url)
    media_type, suffix = FORMATS[kind]
    return ReportFile(f"gatehouse-run-{run.pk}-{language}.{suffix}", media_type, content)


def render(*, run: Run, kind: str, language: str = "en", run_url: str = "") -> bytes:
    """The report of a judged run as bytes in UTF-8.

    kind: one of KINDS. language: en or de. run_url: where JUnit sends a person to read on. Raises ValueError for
    anything else and for a run that is not judged.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of report: {kind!r}; there are {', '.join(KINDS)}")
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}; there are {', '.join(LANGUAGES)}")
    report = build_report(run=run)
    if kind == "json":
        return json_of(report=report, language=language)
    if kind == "junit":
        return junit_of(report=report, language=language, run_url=run_url, context=context_of(run))
    document = document_of(report=report, language=language)
    return html_of(document, run=run) if kind == "html" else markdown_of(document)
