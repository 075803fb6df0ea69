"""The report as a document in one language: ten sections and three appendices, in this order."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import override

from testruns.reports import appendices, assessment, opening, results
from testruns.reports.blocks import Document
from testruns.reports.report import Report

SECTIONS = (
    opening.summary,
    opening.environment,
    opening.parameters,
    results.scenarios,
    results.gates,
    results.key_metrics,
    assessment.findings,
    assessment.decision,
    assessment.advice,
    assessment.sign_off,
    appendices.details,
    appendices.invariants,
    appendices.errors,
)


def document_of(*, report: Report, language: str) -> Document:
    """The report in `en` or `de`."""
    with override(language):
        return Document(
            language=language,
            title=_("Live system test report: run %(run)s") % {"run": report.run.pk},
            notice=opening.notice(report),
            head=opening.head(report),
            sections=tuple(section(report) for section in SECTIONS),
        )
