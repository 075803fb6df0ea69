"""The report as JUnit XML, so that a CI system shows gates and rules as tests (governance.md 6.3).

The dialect is the one every reader takes: no attribute beyond the common ones, what is ours stands in `<properties>`,
which only suites have. A case is known by classname and name: both are unique. Every gate and every rule is a case,
passed ones too. What has no answer is an error, never skipped; a failed warning decides nothing, so its case passes
and says so.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from testruns.actions import overlay_of
from testruns.gates.outcomes import REASONS, Cause
from testruns.gates.registry import GATES, all_rules
from testruns.gates.rule import Severity
from testruns.gates.verdicts import Verdict
from testruns.models import GateResult, RuleResult
from testruns.release_context import ReleaseContext, Waived
from testruns.reports.document import title_of
from testruns.reports.report import Report
from testruns.reports.results import expectation, margin
from testruns.reports.words import figure, say, severity
from testruns.run_states import ExecutionState

MESSAGE_LENGTH_MAX: Final = 500
TEXT_LENGTH_MAX: Final = 4000
"""Longer texts are cut and say where the whole stands: readers refuse files of 30 MB."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_COUNTED: Final = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_NO_TIME: Final = "0.000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test case. `outcome`: failure, error, skipped, or empty for one that passed.

    `message` is the line that says it all; it stands in the text as well, because some readers show only one of them.
    """

    name: str
    outcome: str
    type: str
    message: str
    lines: tuple[str, ...]


def junit_of(*, report: Report, language: str, run_url: str, context: ReleaseContext) -> bytes:
    """The report as JUnit XML in UTF-8. `run_url`: where a person reads the whole, empty when nobody knows."""
    with override(language):
        root = _root(report, run_url=run_url, context=context)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + content


def legal(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def _root(report: Report, *, run_url: str, context: ReleaseContext) -> ET.Element:
    verdicts = _Verdicts(report, context)
    suites = [_suite(report, gate, verdicts, run_url=run_url, phase=context.phase) for gate in report.gates]
    totals = {name: str(sum(int(suite.get(name, "0")) for suite in suites)) for name in ("tests", "failures", "errors")}
    title = title_of(report)
    root = ET.Element("testsuites", {"name": title, **totals, "time": _elapsed(report)})
    root.extend(suites)
    return root


class _Verdicts:
    """The verdicts as they count now: those of the run, with the waivers laid over that are valid for its build."""

    def __init__(self, report: Report, context: ReleaseContext) -> None:
        self.waivers = context.waivers
        self._rules: Mapping[str, str] = {rule.code: rule.verdict for rule in report.rules}
        self._gates: Mapping[str, str] = {gate.gate: gate.verdict for gate in report.gates}
        if context.waivers:
            judgement = overlay_of(runs=[report.run], waived=context.waivers).judgement
            self._rules = {outcome.rule.code: outcome.verdict.value for outcome in judgement.rules}
            self._gates = {code: gate.verdict.value for code, gate in judgement.gates.items()}

    def of_rule(self, rule: RuleResult) -> Verdict:
        """The verdict of a rule now."""
        return Verdict(self._rules[rule.code])

    def of_gate(self, gate: GateResult) -> Verdict:
        """The verdict of a gate now."""
        return Verdict(self._gates[gate.gate])


def _suite(report: Report, gate: GateResult, verdicts: _Verdicts, *, run_url: str, phase: str) -> ET.Element:
    rules = [rule for rule in report.rules if rule.gate == gate.gate]
    cases = [_gate_case(gate, rules, verdicts), *(_rule_case(rule, verdicts) for rule in rules)]
    suite_name = _NOT_IN_A_NAME.sub("-", report.run.build.name)
    classname = ".".join(part for part in (phase, suite_name, gate.gate) if part)
    counts = {count: sum(case.outcome == outcome for case in cases) for outcome, count in _COUNTED.items()}
    suite = ET.Element(
        "testsuite",
        {
            "name": _gate_name(gate),
            "tests": str(len(cases)),
            **{name: str(count) for name, count in counts.items()},
            "time": _NO_TIME,
            **_timestamp(report),
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report, run_url).items():
        ET.SubElement(properties, "property", {"name": name, "value": legal(value)})
    suite.extend(_element(case, classname=classname, run_url=run_url) for case in cases)
    return suite


def _properties(report: Report, run_url: str) -> dict[str, str]:
    run = report.run
    known = {
        "run": str(run.pk),
        "run_url": run_url,
        "manifest_sha256": run.manifest_digest,
        "policy_digest": run.policy.digest,
        "build": run.build.name,
        "commit": run.build.commit,
        "recommendation": run.recommendation,
        "provisional": "yes" if run.is_provisional else "",
    }
    return {name: value for name, value in known.items() if value}


def _gate_name(gate: GateResult) -> str:
    title = _(GATES[gate.gate].title) if gate.gate in GATES else ""
    return f"{gate.gate} {title}".strip()


def _gate_case(gate: GateResult, rules: list[RuleResult], verdicts: _Verdicts) -> Case:
    verdict = verdicts.of_gate(gate)
    held = sum(verdicts.of_rule(rule) is Verdict.PASS for rule in rules)
    key_line = _("Gate %(gate)s %(verdict)s: %(held)s of %(count)s rules hold") % {
        "gate": gate.gate,
        "verdict": verdict,
        "held": held,
        "count": len(rules),
    }
    worst = next((rule for rule in rules if rule.code == gate.worst_rule), None)
    lines = [] if worst is None or verdict is Verdict.PASS else [_key_line(worst)]
    waived = [verdicts.waivers[rule.code] for rule in rules if verdicts.of_rule(rule) is Verdict.WAIVED]
    return _case(
        name=_gate_name(gate), verdict=verdict, key_line=key_line, lines=lines, waived=waived, error=_error_of(worst)
    )


def _rule_case(rule: RuleResult, verdicts: _Verdicts) -> Case:
    verdict = verdicts.of_rule(rule)
    name, key_line, lines = f"{rule.code} {_(rule.question)}", _key_line(rule), _lines(rule)
    if verdict is Verdict.FAIL and rule.severity == Severity.WARNING:
        key_line, verdict = _("A warning, which decides nothing: %(rule)s") % {"rule": key_line}, Verdict.PASS
    waived = [verdicts.waivers[rule.code]] if verdict is Verdict.WAIVED else []
    return _case(name=name, verdict=verdict, key_line=key_line, lines=lines, waived=waived, error=_error_of(rule))


def _case(
    *, name: str, verdict: Verdict, key_line: str, lines: Sequence[str], waived: Sequence[Waived], error: str
) -> Case:
    outcome, kind, message = "error", error or verdict.value, key_line
    if verdict is Verdict.PASS:
        outcome = kind = message = ""
    elif verdict is Verdict.FAIL:
        outcome, kind = "failure", "gate"
    elif verdict is Verdict.WAIVED:
        outcome, kind, message = "skipped", "", "; ".join(map(_said, waived))
    return Case(name=name, outcome=outcome, type=kind, message=message, lines=(key_line, *lines))


def _error_of(rule: RuleResult | None) -> str:
    """How the scenario ended that kept a rule from an answer: ABANDONED is said as such. Empty for any other reason."""
    if rule is None or rule.reason != REASONS[Cause.NOT_FINISHED]:
        return ""
    state = str(rule.reason_params.get("state", ""))
    return state if state == ExecutionState.ABANDONED else ""


def _key_line(rule: RuleResult) -> str:
    return _("%(code)s %(verdict)s: measured %(actual)s, expected %(expected)s") % {
        "code": rule.code,
        "verdict": rule.verdict,
        "actual": figure(rule.actual, rule.unit, beside=rule.expected),
        "expected": expectation(rule),
    }


def _lines(rule: RuleResult) -> list[str]:
    lines = [
        _("Severity: %(severity)s") % {"severity": severity(rule.severity).text},
        _("Margin: %(margin)s") % {"margin": margin(rule)},
    ]
    if rule.reason:
        lines.append(say(rule.reason, rule.reason_params))
    known = all_rules().get(rule.code)
    if known and rule.verdict != Verdict.PASS:
        lines += [_(known.impact), _(known.where)]
    return lines


def _said(waived: Waived) -> str:
    return _("waived W-%(number)s until %(until)s by %(person)s") % {
        "number": waived.number,
        "until": f"{waived.until:%Y-%m-%d}",
        "person": waived.by,
    }


def _element(case: Case, *, classname: str, run_url: str) -> ET.Element:
    element = ET.Element("testcase", {"classname": legal(classname), "name": legal(case.name), "time": _NO_TIME})
    text = _cut(legal("\n".join(case.lines)), run_url)
    message = legal(" ".join(case.message.split()))[:MESSAGE_LENGTH_MAX]
    if case.outcome == "skipped":
        ET.SubElement(element, "skipped", {"message": message})
    elif case.outcome:
        ET.SubElement(element, case.outcome, {"type": case.type, "message": message}).text = text
        return element
    ET.SubElement(element, "system-out").text = text
    return element


def _cut(text: str, run_url: str) -> str:
    if len(text) <= TEXT_LENGTH_MAX:
        return text
    return f"{text[:TEXT_LENGTH_MAX]}\n… {run_url}".rstrip()


def _timestamp(report: Report) -> dict[str, str]:
    """In UTC and without a zone: strict readers know none."""
    finished_at = report.run.finished_at
    return {"timestamp": f"{finished_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"} if finished_at else {}


def _elapsed(report: Report) -> str:
    """From the run's start to its end, in seconds; rules are judged at the end and take no time of their own."""
    started_at, finished_at = report.run.started_at, report.run.finished_at
    return f"{(finished_at - started_at).total_seconds():.3f}" if started_at and finished_at else _NO_TIME
