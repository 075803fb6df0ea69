"""The charts of one scenario of a run, from the points its row keeps: what was seen, and the limits it was held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import median

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from console.kernel.charts.drawing import TREND, Band, Bars, Chart, Line, Mark
from console.kernel.charts.figures import said, said_waiting
from console.kernel.charts.shown import Shown, shown_bars, shown_chart
from testruns.actions import rules_of
from testruns.admin.run_choice import RunChoice
from testruns.gates.policy import InvalidPolicy, Policy
from testruns.gates.rule import Rule
from testruns.models import Run, ScenarioExecution
from testruns.reading import ExecutionLine, RunView
from testruns.units import converted

POINTS_MIN = 2
RATE_OVER_MS_MIN = 100
"""The last sample may come right behind the one before it: a rate over so short a time says nothing."""
BYTES_PER_MEGABYTE = 1_000_000
LATENCIES = (("p50_us", 50.0), ("p95_us", 95.0), ("p99_us", 99.0), ("p999_us", 99.9))
RECOVERY = "recovery_ms_"
SOAK = "load_reality"
Sample = Mapping[str, int]
Measured = Mapping[str, Decimal]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """An execution whose charts can be asked for, under this query of the page's address."""

    line: ExecutionLine
    query: str
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartsCard:
    """The part of the page with charts. offered: every execution that began. None of the rest before the first.

    samples: the points of `current` as JSON.
    """

    offered: tuple[Offered, ...]
    run: Run
    current: ExecutionLine | None = None
    samples: str = ""

    @property
    def made_from(self) -> tuple[object, ...]:
        """All that `shown` follows from, under which a page keeps its charts as they are drawn."""
        figures = self.current.figures if self.current else ()
        return self.current and self.current.execution.pk, self.run.policy_id, figures, self.samples

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The charts: of all that is on the page, 600 points take longest to draw. One query."""
        if self.current is None:
            return ()
        source = ChartSource(
            execution_id=self.current.execution.pk,
            scenario=self.current.execution.scenario,
            samples=orjson.loads(self.samples),
            measured={figure.name: Decimal(figure.value) for figure in self.current.figures},
            policy=_policy_of(self.run),
        )
        return charts_of(source)


@dataclass(frozen=True, kw_only=True)
class ChartSource:
    """What charts are made of: an execution's points and measurements, and the policy of its run (None: unknown)."""

    execution_id: int
    scenario: str
    samples: Sequence[Sample]
    measured: Measured
    policy: Policy | None

    def key(self, name: str) -> str:
        """The id of one of its charts."""
        return f"chart-{name}-{self.execution_id}"

    @property
    def xs(self) -> tuple[float, ...]:
        """Seconds since the load began."""
        return tuple(sample["elapsed_ms"] / 1000 for sample in self.samples)

    def rules(self, measurement: str) -> list[Rule]:
        """The rules that hold a measurement of this scenario to a limit."""
        rules = self.policy.rules if self.policy else ()
        asked = (self.scenario, measurement)
        return [rule for rule in rules if asked in rule.sources]


def charts_card(view: RunView, choice: RunChoice) -> ChartsCard:
    """The charts of the execution asked for; else of what runs, of the soak, of what began first. One query."""
    begun = [line for line in view.executions if line.attempts]
    if not begun:
        return ChartsCard(offered=(), run=view.run)
    asked = [line for line in begun if str(line.execution.pk) == choice.charts]
    active = [line for line in begun if line.is_active]
    soaking = [line for line in begun if line.execution.scenario == SOAK]
    current = (*asked, *active, *soaking, *begun)[0]
    as_text = ScenarioExecution.objects.values_list(Cast("samples", TextField()), flat=True)
    offered = tuple(
        Offered(line=line, query=choice.with_charts(line.execution.pk), is_current=line is current) for line in begun
    )
    samples = as_text.get(pk=current.execution.pk)
    return ChartsCard(offered=offered, run=view.run, current=current, samples=samples)


def _policy_of(run: Run) -> Policy | None:
    """None for a policy with a rule that this version does not know: then no limit is drawn."""
    try:
        return rules_of(run.policy)
    except InvalidPolicy:
        return None


def charts_of(source: ChartSource) -> tuple[Shown, ...]:
    """Every chart there is something to draw for."""
    shown = []
    if len(source.samples) >= POINTS_MIN:
        drawn = (latency(source), throughput(source), memory(source), files(source))
        shown += [shown_chart(chart, note=note) for chart, note in drawn]
    recovery = recoveries(source)
    if recovery is None:
        return tuple(shown)
    heading = _("Recovery")
    return (*shown, shown_bars(recovery, headings=(_("Kill"), f"{heading} (ms)")))


def latency(source: ChartSource) -> tuple[Chart, str]:
    """Percentiles of the waiting time in each interval, in ms; an interval without an answer is a gap."""
    lines = [
        Line(
            label=_("%(share)s %% within") % {"share": said(share)},
            style=style,
            values=tuple((sample.get(name) or 0) / 1000 or None for sample in source.samples),
        )
        for style, (name, share) in enumerate(LATENCIES, start=1)
    ]
    chart = Chart(
        key=source.key("latency"),
        title=_("Latency"),
        summary=_summary(lines, unit="ms"),
        unit="ms",
        xs=source.xs,
        lines=tuple(lines),
        marks=tuple(_limits(source, "p95_us", unit="ms", said_unit="ms")),
        is_log=True,
    )
    return chart, _("Each step up is ten times as long.")


def throughput(source: ChartSource) -> tuple[Chart, str]:
    """Offered, answered, refused and failed operations a second, from the differences of the totals."""
    samples = [dict.fromkeys(("elapsed_ms", "offered", "operations", "refused", "errors"), 0), *source.samples]
    names = {"offered": _("offered"), "operations": _("answered"), "refused": _("refused"), "errors": _("failed")}
    lines = [
        Line(label=label, style=style, values=_rates(samples, name))
        for style, (name, label) in enumerate(names.items(), start=1)
        if style <= 2 or source.samples[-1].get(name)
    ]
    unit = pgettext("unit", "operations/s")
    chart = Chart(
        key=source.key("throughput"),
        title=_("Throughput"),
        summary=_summary(lines, unit=unit),
        unit=unit,
        xs=source.xs,
        lines=tuple(lines),
        marks=tuple(_limits(source, "operations_per_second", unit="operations/s", said_unit=unit)),
        from_zero=True,
    )
    return chart, ""


def memory(source: ChartSource) -> tuple[Chart, str]:
    """Anonymous memory of the process tree in MB, with the measured trend, its interval, and the slope allowed."""
    values = tuple(sample.get("rss_anon_bytes", 0) / BYTES_PER_MEGABYTE or None for sample in source.samples)
    line = Line(label=_("memory"), style=1, values=values)
    marks, band, note = _trend(source, values)
    chart = Chart(
        key=source.key("memory"),
        title=_("Memory"),
        summary=" ".join(part for part in (_summary([line], unit="MB"), note) if part),
        unit="MB",
        xs=source.xs,
        lines=(line,),
        marks=marks,
        band=band,
    )
    return chart, note


def files(source: ChartSource) -> tuple[Chart, str]:
    """Open files and sockets of the process tree."""
    names = (("open_files", _("files")), ("sockets", _("sockets")))
    lines = [
        Line(label=label, style=style, values=tuple(float(sample.get(name, 0)) for sample in source.samples))
        for style, (name, label) in enumerate(names, start=1)
    ]
    chart = Chart(
        key=source.key("files"),
        title=_("File descriptors"),
        summary=_summary(lines, unit=""),
        unit="",
        xs=source.xs,
        lines=tuple(lines),
        from_zero=True,
    )
    return chart, ""


def recoveries(source: ChartSource) -> Bars | None:
    """Time to recover after each kill, in ms; None where nothing was killed."""
    numbers = sorted(int(end) for name in source.measured if (end := name.removeprefix(RECOVERY)).isdecimal())
    values = tuple(float(source.measured[f"{RECOVERY}{number}"]) for number in numbers)
    if not values:
        return None
    slowest = said_waiting(max(values))
    summary = ngettext(
        "%(count)s recovery; it took %(slowest)s ms.",
        "%(count)s recoveries; the slowest took %(slowest)s ms.",
        len(values),
    )
    return Bars(
        key=source.key("recovery"),
        title=_("Recovery after each kill"),
        summary=summary % {"count": len(values), "slowest": slowest},
        unit="ms",
        names=tuple(str(number) for number in numbers),
        values=values,
    )


def _rates(samples: Sequence[Sample], name: str) -> tuple[float | None, ...]:
    rates: list[float | None] = []
    for before, after in pairwise(samples):
        milliseconds = after["elapsed_ms"] - before["elapsed_ms"]
        done = after.get(name, 0) - before.get(name, 0)
        rates.append(1000 * done / milliseconds if milliseconds >= RATE_OVER_MS_MIN and done >= 0 else None)
    return tuple(rates)


def _limits(source: ChartSource, measurement: str, *, unit: str, said_unit: str) -> list[Mark]:
    """A level line for each threshold on this measurement, and for what blocks a release."""
    last = source.xs[-1]
    marks = []
    for rule in source.rules(measurement):
        threshold = converted(value=rule.threshold, measured_in=rule.unit, asked_in=unit)
        if threshold is None:
            continue
        level = float(threshold)
        label = _("limit of %(code)s: %(value)s") % {"code": rule.code, "value": f"{said(level)} {said_unit}"}
        marks.append(Mark(label=label, kind="limit", start=(0.0, level), end=(last, level)))
        if rule.blocking is not None:
            level = float(rule.blocking)
            label = _("blocks from %(value)s") % {"value": f"{said(level)} {said_unit}"}
            marks.append(Mark(label=label, kind="block", start=(0.0, level), end=(last, level)))
    return marks


def _trend(source: ChartSource, values: Sequence[float | None]) -> tuple[tuple[Mark, ...], Band | None, str]:
    """The measured trend through the middle of what was seen after the warm-up; without one, why there is none."""
    low, slope, high = (source.measured.get(f"memory_slope{end}") for end in ("_low", "", "_high"))
    rules = source.rules("memory_slope")
    if low is None or slope is None or high is None:
        why = _("A trend takes a soak that goes on after the warm-up; it is worked out at the end.")
        return (), None, why if rules else ""
    warmup = source.policy.values.warmup_seconds if source.policy else 0
    warm = [(x / 60, y) for x, y in zip(source.xs, values, strict=True) if x >= warmup and y is not None]
    if len(warm) < POINTS_MIN:
        return (), None, ""
    first, last = warm[0][0], warm[-1][0]
    middle = (first + last) / 2
    level = median(y - float(slope) * (x - middle) for x, y in warm)

    def along(rate: Decimal, x: float) -> tuple[float, float]:
        return 60 * x, level + float(rate) * (x - middle)

    marks = [
        Mark(label=_("trend"), kind=TREND, start=along(slope, first), end=along(slope, last)),
        *(_allowed(rule, first=along(slope, first), minutes=last - first) for rule in rules),
    ]
    band = Band(
        label=_("interval of the trend"),
        upper=(along(low, first), along(slope, middle), along(high, last)),
        lower=(along(high, first), along(slope, middle), along(low, last)),
    )
    rates = {"slope": said(float(slope)), "low": said(float(low)), "high": said(float(high))}
    return tuple(marks), band, _("Trend: %(slope)s MB/min, between %(low)s and %(high)s.") % rates


def _allowed(rule: Rule, *, first: tuple[float, float], minutes: float) -> Mark:
    """How memory would rise at the limit."""
    x, y = first
    value = f"{said(float(rule.threshold))} {rule.unit}"
    label = _("limit of %(code)s: %(value)s") % {"code": rule.code, "value": value}
    return Mark(label=label, kind="limit", start=first, end=(x + 60 * minutes, y + float(rule.threshold) * minutes))


def _summary(lines: Sequence[Line], *, unit: str) -> str:
    """For each line the value in the middle and the largest."""
    parts = []
    for line in lines:
        values = [value for value in line.values if value is not None]
        if values:
            say = said_waiting if unit == "ms" else said
            figures = {"name": line.label, "median": say(median(values)), "largest": say(max(values)), "unit": unit}
            parts.append(_("%(name)s: %(median)s in the middle, %(largest)s at most") % figures)
    text = "; ".join(parts)
    return f"{text} ({unit})." if unit and text else f"{text}." if text else ""
