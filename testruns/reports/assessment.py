"""Sections 7 to 10 of a report: findings, what they mean for the phases, the advice, and the rows for signatures."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from testruns.models import Finding, ScenarioExecution
from testruns.phases import PHASES_TO_RELEASE
from testruns.recommendation import Recommendation
from testruns.reports.appendices import printable
from testruns.reports.blocks import BAD, GOOD, Block, Boxes, Cell, Heading, Items, Paragraph, Section, code, table
from testruns.reports.report import Report
from testruns.reports.words import count, error, figure, say, severity, state, verdict

PENDING: Final = "PENDING"


def findings(report: Report) -> Section:
    """Section 7: failed rules and remarks, the critical ones apart, and the scenarios that did not finish."""
    critical = [finding for finding in report.findings if finding.severity == "critical"]
    others = [finding for finding in report.findings if finding.severity != "critical"]
    broken = tuple(_unfinished(execution.row) for execution in report.executions if execution.row.state != "FINISHED")
    blocks: list[Block] = [
        Heading(text=_("Critical findings")),
        *_finding_blocks(critical),
        Heading(text=_("Observations")),
        *_finding_blocks(others),
    ]
    if broken:
        blocks += [Heading(text=_("Scenarios that did not finish")), Items(lines=broken)]
    return Section(key="7", title=_("Findings and risks"), blocks=tuple(blocks))


def _unfinished(row: ScenarioExecution) -> str:
    """Which one, at which level, how it ended, and why."""
    ended = f"{row.scenario} ({row.concurrency}): {state(row.state)}"
    return printable(" – ".join(part for part in (ended, error(row)) if part))


def decision(report: Report) -> Section:
    """Section 8: what the run means for each phase. The machine recommends; nothing here releases anything."""
    run = report.run
    is_go = run.recommendation == Recommendation.GO and not run.is_provisional
    reason = say(run.sentence, run.sentence_params)
    asked = _("A release needs %(count)s full runs in a row, and people who sign for it in the console.") % {
        "count": count(report.policy.values.deciding_runs)
    }
    rows = [
        (phase.code, _(phase.title), _answer(False), _("Locked until phase %(phase)s is released.") % {"phase": opener})
        if (opener := phase.opened_by)
        else (phase.code, _(phase.title), _answer(is_go), f"{reason} {asked}" if is_go else reason)
        for phase in PHASES_TO_RELEASE
    ]
    headings = (_("Phase"), _("Content"), _("Release recommended"), _("Reason"))
    return Section(key="8", title=_("Decision assessment"), blocks=(table(headings=headings, rows=rows),))


def advice(report: Report) -> Section:
    """Section 9: what to do next, each line ticked by what the rules found."""
    run = report.run
    word = run.recommendation
    critical = {rule.verdict for rule in report.rules if rule.severity == "critical"}
    is_broken = "FAIL" in critical or any(rule.is_blocking for rule in report.rules)
    is_sound = critical == {"PASS"} and not is_broken and word != Recommendation.NO_GO
    boxes = (
        (word == Recommendation.GO, _("Present phase 5a for release.")),
        (word == Recommendation.CONDITIONAL, _("Keep testing for 3 to 7 days, then judge again.")),
        (
            is_broken or word == Recommendation.NO_GO,
            _("Repair the critical faults first; phases 5 to 8 stay locked."),
        ),
        (word == Recommendation.INCOMPLETE or bool(run.missing), _("Measure what is missing.")),
        (is_sound, _("Leave the architecture as it is: every critical rule was measured and holds.")),
    )
    blocks: list[Block] = [Paragraph(text=say(run.sentence, run.sentence_params)), Boxes(boxes=boxes)]
    if run.missing:
        lines = tuple(say(text["template"], text.get("params")) for text in run.missing)
        blocks += [Heading(text=_("What is missing")), Items(lines=lines)]
    return Section(key="9", title=_("Recommendation"), blocks=tuple(blocks))


def sign_off(report: Report) -> Section:
    """Section 10: four rows, all open: nobody signs a file. Signatures belong to the release request."""
    seats = (
        (_("Test engineer"), _("Implementation attested"), ""),
        (_("Tester"), _("Execution"), report.tester),
        (_("Reviewer"), _("Reviewed"), ""),
        (_("Supervisor"), _("Decision"), ""),
    )
    rows = [(role, meaning, name or "–", "–", verdict(PENDING)) for role, meaning, name in seats]
    headings = (_("Role"), _("Meaning"), _("Name"), _("Date"), _("Status"))
    note = _(
        "Nobody signs this file, so every row is open here. People sign in the console, on a release request, which "
        "binds the run's manifest."
    )
    return Section(key="10", title=_("Sign-off"), blocks=(table(headings=headings, rows=rows), Paragraph(text=note)))


def _answer(is_yes: bool) -> Cell:
    return Cell(text=_("YES") if is_yes else _("NO"), tone=GOOD if is_yes else BAD)


def _finding_blocks(found: list[Finding]) -> list[Block]:
    if not found:
        return [Paragraph(text=_("None."))]
    headings = (_("Rule"), _("Severity"), _("What"), _("Impact"), _("Where to look"))
    rows = [
        (
            code(finding.rule_code),
            severity(finding.severity),
            say(finding.what, finding.what_params),
            _(finding.impact) if finding.impact else figure(None, ""),
            _(finding.where) if finding.where else figure(None, ""),
        )
        for finding in found
    ]
    return [table(headings=headings, rows=rows)]
