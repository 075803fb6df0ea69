"""Sections 4 to 6 of a report: the scenarios, every rule of every gate, and the key figures with their limits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from testruns.gates.registry import GATES
from testruns.models import GateResult, RuleResult
from testruns.reports.blocks import Block, Cell, Heading, Items, Paragraph, Section, code, number, table
from testruns.reports.report import Report, ReportExecution, expected_of
from testruns.reports.words import count, figure, limit, say, severity, state_cell, tone_of, verdict, verdict_word

KEY_METRICS: Final = {
    "credit_storm": (
        "accepted_per_second",
        "refused_per_second",
        "load_ms",
        "p95_us",
        "double_charges",
        "negative_balances",
    ),
    "synergy_anti_gaming": ("rewards_beyond_cap", "rewards_capped"),
    "approval_race": ("decisions_per_request_min", "decisions_per_request_max", "audit_missing", "decision_p95_us"),
    "karma_blackout": ("operations_failed", "crashes", "fallback_recorded", "breaker_opened", "breaker_closed"),
    "ml_chaos": ("anomalies_missed", "anomalies_blocked", "ci_ppm_min", "ci_ppm_max", "throttle_recovered"),
    "crash_replay": ("acknowledged_events_lost", "state_hashes_distinct", "kills"),
    "load_reality": ("duration_seconds", "operations_per_second", "p95_us", "memory_slope_high", "drift_micros_max"),
}
_SOURCES_NAMED_MAX: Final = 2


def scenarios(report: Report) -> Section:
    """Section 4: every scenario execution with its verdict and the figures that matter most."""
    rows = []
    for execution in report.executions:
        row = execution.row
        rows.append(
            (
                number(count(row.position)),
                f"{_(execution.title)} ({row.scenario}, {count(row.concurrency)})",
                state_cell(row.state),
                verdict(row.verdict),
                figure(execution.seconds, "s"),
                number(count(len(execution.attempts))),
                _key_metrics(execution),
            )
        )
    headings = ("#", _("Scenario"), _("State"), _("Result"), _("Time"), _("Attempts"), _("Critical metrics"))
    return Section(key="4", title=_("Scenarios tested"), blocks=(table(headings=headings, rows=rows),))


def gates(report: Report) -> Section:
    """Section 5: every gate with every rule, the passed ones too."""
    blocks: list[Block] = [
        Paragraph(
            text=_(
                "Every rule that was evaluated is listed. PASS: measured and held. FAIL: measured and not held. "
                "INCONCLUSIVE: not measured, or not enough. ERROR: the scenario or its figures were broken. The margin "
                "is the distance from the threshold towards good, as a share of the threshold. A warning never turns "
                "its gate red."
            )
        )
    ]
    for result in report.gates:
        blocks += _gate_blocks(result, [rule for rule in report.rules if rule.gate == result.gate])
    return Section(key="5", title=_("Hard gates"), blocks=tuple(blocks))


def key_metrics(report: Report) -> Section:
    """Section 6: throughput, latency, memory, projection lag and CI score beside their limits."""
    soaks, storms = report.executions_of("load_reality"), report.executions_of("credit_storm")
    rows = [
        (
            _("Average throughput (soak)"),
            _by_level(soaks, _measured("operations_per_second")),
            _("offered: %(rate)s") % {"rate": figure(report.policy.values.offered_rate, "operations/s")},
            verdict(""),
        ),
        _rule_row(_("Throughput (storm), refusals included"), report.rule("E07")),
        _unlimited(_("of these carried out"), _by_level(storms, _measured("accepted_per_second"))),
        _unlimited(
            _("of these refused for lack of credits, a right answer"),
            _by_level(storms, _measured("refused_per_second")),
        ),
        _unlimited(_("measured over"), _by_level(storms, _measured("load_ms"))),
        _rule_row(_("P95 latency (soak)"), report.rule("E03")),
        _rule_row(_("P95 latency (storm)"), report.rule("E06")),
        _rule_row(_("Second half against first"), report.rule("E08")),
        _unlimited(_("Memory peak (soak)"), _by_level(soaks, lambda soak: figure(soak.rss_bytes_max, "bytes"))),
        _unlimited(_("Memory peak, largest of the scenarios"), _largest_memory(report)),
        _rule_row(_("Memory trend"), report.rule("E04")),
        _unlimited(_("Projection lag (soak)"), _by_level(soaks, _lag)),
        _rule_row(_("CI score, lowest"), report.rule("D08")),
        _rule_row(_("CI score, highest"), report.rule("D09")),
    ]
    headings = (_("Figure"), _("Measured"), _("Limit"), _("Result"))
    meaning = _(
        "Projection lag: the time from the answer to an order until another process, which only reads the journal, has "
        "the order in its own balances; looked at a few times a second."
    )
    blocks = (table(headings=headings, rows=rows), Paragraph(text=meaning))
    return Section(key="6", title=_("Key metrics"), blocks=blocks)


def metric(execution: ReportExecution, name: str) -> str:
    """A measurement of an execution in words: name and figure."""
    return f"{name}: {_measured(name)(execution)}"


def _key_metrics(execution: ReportExecution) -> str:
    names = KEY_METRICS.get(execution.row.scenario, ("operations", "errors"))
    return "; ".join(metric(execution, name) for name in names)


def _gate_blocks(result: GateResult, rules: list[RuleResult]) -> list[Block]:
    known = GATES.get(result.gate)
    title = f"Gate {result.gate}: {_(known.title)}" if known else f"Gate {result.gate}"
    headings = (
        _("Rule"),
        _("Question"),
        _("Severity"),
        _("Expected"),
        _("Measured"),
        _("Margin"),
        _("Source"),
        _("Result"),
    )
    blocks: list[Block] = [Heading(text=f"{title} – {verdict_word(result.verdict)}", tone=tone_of(result.verdict))]
    if known:
        blocks.append(Paragraph(text=_(known.help)))
    blocks.append(table(headings=headings, rows=[_rule_cells(rule) for rule in rules]))
    reasons = tuple(
        f"{rule.code} {verdict_word(rule.verdict)}: {say(rule.reason, rule.reason_params)}"
        for rule in rules
        if rule.verdict != "PASS"
    )
    return [*blocks, Items(lines=reasons)] if reasons else blocks


def _rule_cells(rule: RuleResult) -> tuple[Cell | str, ...]:
    return (
        code(rule.code),
        _(rule.question),
        severity(rule.severity).text,
        number(expectation(rule)),
        number(figure(rule.actual, rule.unit, beside=rule.expected)),
        number(margin(rule)),
        _sources(rule),
        verdict(rule.verdict),
    )


def expectation(rule: RuleResult) -> str:
    """What a rule expects, in words."""
    said = say("%(expected)s", {"expected": expected_of(rule)})
    if not rule.blocking:
        return said
    blocking = _("blocking from %(value)s") % {"value": limit(rule.blocking, rule.unit)}
    return f"{said} ({blocking})"


def margin(rule: RuleResult) -> str:
    """The margin as percent of the threshold; for a threshold of 0 it is a figure in the rule's unit."""
    if not rule.margin:
        return "–"
    if Decimal(rule.expected) == 0:
        return figure(rule.margin, rule.unit)
    return figure((Decimal(rule.margin) * 100).quantize(Decimal("0.1")), "%")


def _sources(rule: RuleResult) -> str:
    names = list(dict.fromkeys(f"{source['scenario']}.{source['measurement']}" for source in rule.sources))
    if len(names) <= _SOURCES_NAMED_MAX:
        return ", ".join(names)
    measurement = rule.sources[0]["measurement"]
    return _("%(measurement)s of %(count)s scenarios") % {"measurement": measurement, "count": count(len(names))}


def _rule_row(label: str, rule: RuleResult | None) -> tuple[Cell | str, ...]:
    if rule is None:
        return label, figure(None, ""), _("no limit"), verdict("")
    return label, figure(rule.actual, rule.unit, beside=rule.expected), expectation(rule), verdict(rule.verdict)


def _unlimited(label: str, said: str) -> tuple[Cell | str, ...]:
    return label, said, _("no limit"), verdict("")


def _by_level(executions: list[ReportExecution], said: Callable[[ReportExecution], str]) -> str:
    """A figure of a scenario; with several levels of concurrency each says which."""
    if len(executions) == 1:
        return said(executions[0])
    return "; ".join(f"{count(one.row.concurrency)}: {said(one)}" for one in executions) or figure(None, "")


def _largest_memory(report: Report) -> str:
    """The largest anonymous memory of any execution, and of which."""
    peaks = [(one.rss_bytes_max, one.row) for one in report.executions if one.rss_bytes_max is not None]
    if not peaks:
        return figure(None, "")
    peak, row = max(peaks, key=lambda found: found[0])
    return f"{figure(peak, 'bytes')}: {row.scenario} ({count(row.concurrency)})"


def _lag(soak: ReportExecution) -> str:
    """Percentiles of the projection lag, each from the measurement of its own."""
    values = {name: soak.value(f"projection_lag_{name}_us") for name in ("p50", "p95", "max")}
    if None in values.values():
        return figure(None, "")
    return _("half within %(p50)s, 95 percent within %(p95)s, at most %(max)s") % {
        name: figure(value, "us") for name, value in values.items()
    }


def _measured(name: str) -> Callable[[ReportExecution], str]:
    """Says one measurement of an execution in its unit."""

    def said(execution: ReportExecution) -> str:
        measurement = execution.measurements.get(name)
        return figure(measurement.value, measurement.unit) if measurement else figure(None, "")

    return said
