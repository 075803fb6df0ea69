"""What a report of imported results says otherwise than that of a live run: nothing ran here, it releases nothing."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.phases import PHASES_TO_RELEASE
from testruns.recommendation import Recommendation
from testruns.reports.appendices import printable
from testruns.reports.blocks import BAD, Block, Boxes, Cell, Heading, Items, Paragraph, Section, Table, code, table
from testruns.reports.opening import live_head, word_boxes
from testruns.reports.report import Report
from testruns.reports.results import metric
from testruns.reports.words import count, moment, say, state, verdict

_KEY_METRICS: Final = {
    IMPORTED_TESTS: ("cases_run", "passed", "failures", "errors", "skipped", "duplicates", "pass_rate_ppm"),
    IMPORTED_COVERAGE: ("lines", "lines_covered", "line_rate_ppm", "branch_rate_counted_ppm"),
}


def head(report: Report) -> Table:
    """The title block: which build, which commit, brought by whom, and the digests that bind it."""
    run = report.run
    rows: list[tuple[str, Cell | str]] = [
        (_("Scope"), _("the results of a suite that ran elsewhere")),
        (_("Build"), printable(run.build.name)),
        (_("Commit"), code(run.build.commit)),
        (_("Imported"), moment(run.requested_at)),
        (_("Imported by"), report.tester),
        (_("Run"), f"{run.pk} ({state(run.state)})"),
        (_("Policy"), f"{run.policy}, {run.policy.digest}"),
        (_("Run manifest (SHA-256)"), code(run.manifest_digest)),
        (_("Live journal, last event"), live_head(run.environment)),
        (_("Head of the audit chain"), code(f"{report.audit_head.index}: {report.audit_head.hash}")),
        (_("Report made at"), moment(report.generated_at)),
    ]
    return table(headings=(_("Field"), _("Value")), rows=rows)


def summary(report: Report) -> Section:
    """Section 1: the word, and a few sentences that explain it."""
    passed = sum(rule.verdict == "PASS" for rule in report.rules)
    sentences = (
        say(report.run.sentence, report.run.sentence_params),
        _("%(passed)s of %(total)s rules passed; findings: %(findings)s.")
        % {"passed": count(passed), "total": count(len(report.rules)), "findings": count(len(report.findings))},
        _("What the files claim was held against what they list, and the worse of the two counts."),
        _("This is a recommendation of the machine. The decision is made by people, who sign in the console."),
    )
    blocks = (
        Heading(text=_("Overall status")),
        word_boxes(report),
        Heading(text=_("In short")),
        Paragraph(text=" ".join(sentences)),
    )
    return Section(key="1", title=_("Executive summary"), blocks=blocks)


def reports(report: Report) -> Section:
    """Section 2: every file that was brought with its figures, and the first cases that did not pass."""
    rows = [
        (
            _(execution.title),
            verdict(execution.row.verdict),
            "; ".join(metric(execution, name) for name in _KEY_METRICS.get(execution.row.scenario, ())),
        )
        for execution in report.executions
    ]
    blocks: list[Block] = [
        table(headings=(_("Report"), _("Result"), _("Counted")), rows=rows),
        Heading(text=_("First tests that did not pass")),
    ]
    lines = tuple(f"{_outcome(case)}: {printable(case['name'])}" for case in _not_passed(report))
    blocks.append(Items(lines=lines) if lines else Paragraph(text=_("None.")))
    return Section(key="2", title=_("Imported reports"), blocks=tuple(blocks))


def decision(report: Report) -> Section:
    """Section 8: an import releases no phase, whatever it recommends."""
    reason = _("Imported results release nothing by themselves: a release rests on full runs of the live suite.")
    no = Cell(text=_("NO"), tone=BAD)
    rows = [(phase.code, _(phase.title), no, reason) for phase in PHASES_TO_RELEASE]
    headings = (_("Phase"), _("Content"), _("Release recommended"), _("Reason"))
    return Section(key="8", title=_("Decision assessment"), blocks=(table(headings=headings, rows=rows),))


def advice(report: Report) -> Section:
    """Section 9: what to do next, each line ticked by what the rules found."""
    run = report.run
    boxes = (
        (run.recommendation == Recommendation.GO, _("Nothing to do: every rule holds.")),
        (bool(run.missing), _("Bring what is missing, together with the rest.")),
        (
            any(rule.verdict == "FAIL" for rule in report.rules),
            _("Repair what failed, run the suite again where it lives, and import its results."),
        ),
    )
    blocks: list[Block] = [Paragraph(text=say(run.sentence, run.sentence_params)), Boxes(boxes=boxes)]
    if run.missing:
        lines = tuple(say(text["template"], text.get("params")) for text in run.missing)
        blocks += [Heading(text=_("What is missing")), Items(lines=lines)]
    return Section(key="9", title=_("Recommendation"), blocks=tuple(blocks))


def _not_passed(report: Report) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = report.run.environment.get("import", {}).get("not_passed", [])
    return cases


def _outcome(case: dict[str, Any]) -> str:
    return _("broke") if case["outcome"] == "error" else _("failed")
