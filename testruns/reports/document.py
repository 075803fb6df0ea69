"""The report as a document in one language: ten sections and three appendices, in this order.

Of imported results it has the sections that say something about them, under the same numbers.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import override

from testruns.reports import appendices, assessment, imported, opening, results
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
IMPORT_SECTIONS = (
    imported.summary,
    imported.reports,
    results.gates,
    assessment.findings,
    imported.decision,
    imported.advice,
    appendices.details,
)


def document_of(*, report: Report, language: str) -> Document:
    """The report in `en` or `de`."""
    with override(language):
        return Document(
            language=language,
            title=title_of(report),
            notice=opening.notice(report),
            head=imported.head(report) if report.is_import else opening.head(report),
            sections=tuple(section(report) for section in (IMPORT_SECTIONS if report.is_import else SECTIONS)),
        )


def title_of(report: Report) -> str:
    """The title in the active language."""
    if report.is_import:
        return _("Report of imported results: run %(run)s") % {"run": report.run.pk}
    return _("Live system test report: run %(run)s") % {"run": report.run.pk}
