"""Two runs beside each other: what differs in what they are, and what changed in what they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.kernel.charts.figures import said
from testruns.admin.waiting_times import Distribution, distributions
from testruns.models import RuleResult
from testruns.reading import RunView
from testruns.run_states import RunState
from testruns.wording import said_quantity

NOISE = ("steal_ppm", "foreign_load_ppm")
FALLS = {"PASS": 0, "WAIVED": 1, "INCONCLUSIVE": 2, "ERROR": 3, "FAIL": 4}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A value of both runs. unit: of figures (empty: a text)."""

    name: str
    first: Any
    second: Any
    unit: str = ""

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return bool(self.first != self.second)


@dataclass(frozen=True, kw_only=True, slots=True)
class RulePair:
    """What one rule says of both runs; None where it was not asked."""

    code: str
    question: str
    first: RuleResult | None
    second: RuleResult | None

    @property
    def margins(self) -> tuple[Decimal, Decimal] | None:
        """Both margins; None when one was not measured, or they are of different limits."""
        one, other = self.first, self.second
        if one is None or other is None or not one.margin or not other.margin or one.expected != other.expected:
            return None
        return Decimal(one.margin), Decimal(other.margin)

    @property
    def change(self) -> Decimal | None:
        """How much better (above 0) or worse the second is, as the margin counts it."""
        return self.margins[1] - self.margins[0] if self.margins else None

    @property
    def said_change(self) -> str:
        """The change as a share of the limit; of a limit of 0 in the unit of the rule. Empty where there is none."""
        if self.change is None or self.first is None:
            return ""
        if Decimal(self.first.expected):
            percent = round(100 * float(self.change))
            return f"{'+' if percent > 0 else ''}{said(percent)}\u202f%"
        sign = "+" if self.change > 0 else ""
        language = (get_language() or "en")[:2]
        return sign + said_quantity(self.change, unit=self.first.unit, translate=_, language=language).replace("-", "−")

    @property
    def is_other_limit(self) -> bool:
        """Whether both were asked, and held to different limits."""
        return self.first is not None and self.second is not None and self.first.expected != self.second.expected

    @property
    def is_same(self) -> bool:
        """Whether both were asked the same and gave the same answer, the margin too."""
        one, other = self.first, self.second
        if one is None or other is None:
            return False
        return (one.verdict, one.expected, one.margin) == (other.verdict, other.expected, other.margin)

    @property
    def turn(self) -> str:
        """`worse` or `better` by verdict; empty where both say the same or one was not asked."""
        if self.first is None or self.second is None:
            return ""
        step = FALLS[self.second.verdict] - FALLS[self.first.verdict]
        return "worse" if step > 0 else "better" if step < 0 else ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything the page says about two runs."""

    first: RunView
    second: RunView
    warnings: tuple[str, ...]
    plan: tuple[Row, ...]
    environment: tuple[Row, ...]
    rules: tuple[RulePair, ...]
    distributions: tuple[Distribution, ...]

    @property
    def changed(self) -> tuple[RulePair, ...]:
        """The rules somebody has to read, what fell first."""
        return tuple(pair for pair in self.rules if not pair.is_same)

    @property
    def unchanged(self) -> tuple[RulePair, ...]:
        """The rules that say the same of both."""
        return tuple(pair for pair in self.rules if pair.is_same)

    @property
    def sides(self) -> tuple[tuple[RunView, str], ...]:
        """Both runs with their letters."""
        return (self.first, "A"), (self.second, "B")

    @property
    def is_sweep(self) -> bool:
        """Whether one of them ran scenarios at several levels of concurrency."""
        return self.first.is_sweep or self.second.is_sweep


def compare(first: RunView, second: RunView) -> Comparison:
    """Both runs as they were read; nothing is read here."""
    return Comparison(
        first=first,
        second=second,
        warnings=tuple(_warnings(first, second)),
        plan=_plan(first, second),
        environment=_environment(first, second),
        rules=tuple(sorted(_rules(first, second), key=_worse_first)),
        distributions=distributions(first, second),
    )


def _warnings(first: RunView, second: RunView) -> Iterable[str]:
    """What makes a comparison say less than it seems to."""
    one, other = first.run, second.run
    if one.pk == other.pk:
        yield _("Both are the same run: nothing can differ.")
    for run in (one,) if one.pk == other.pk else (one, other):
        number = {"number": run.pk}
        if run.state in (RunState.QUEUED, RunState.RUNNING):
            yield _("Run %(number)s is not at its end: its figures are of what has ended so far.") % number
        elif not run.recommendation:
            yield _("Run %(number)s was never judged: it has no rules to compare.") % number
        elif run.is_provisional:
            yield _("Run %(number)s is provisional: scenarios that did not finish may be attempted again.") % number
    if one.policy_id != other.policy_id:
        yield _("The runs were judged under different policies: a verdict may differ although nothing else does.")
    if one.build_id != other.build_id:
        yield _("The runs judged different builds.")
    if one.profile != other.profile or one.duration_seconds != other.duration_seconds:
        yield _("The runs had different plans: figures over time are not of the same length.")
    if _machine(first) != _machine(second):
        yield _("The runs were made on different machines: latencies and throughput cannot be held against each other.")


def _plan(first: RunView, second: RunView) -> tuple[Row, ...]:
    yes_no = {True: _("injected"), False: _("not injected")}
    available = {True: _("available"), False: _("not available")}
    both = partial(_row, first, second)
    return (
        both(_("Commit"), lambda view: view.run.build.commit[:12] or "–"),
        both(_("Source tree"), lambda view: view.run.build.tree_digest[:12]),
        both(_("Policy"), lambda view: str(view.run.policy)),
        both(_("Soak"), lambda view: Decimal(view.run.duration_seconds), unit="s"),
        both(_("Scenarios"), lambda view: Decimal(len(view.run.scenarios)), unit="count"),
        both(_("Concurrency"), lambda view: ", ".join(str(level) for level in view.run.concurrency)),
        both(_("Seed"), lambda view: str(view.run.seed)),
        both(_("Retries"), lambda view: yes_no[view.run.retry_injection]),
        both(_("Anomalies"), lambda view: yes_no[view.run.anomaly_injection]),
        both("KARMA", lambda view: available[view.run.karma_available]),
    )


def _environment(first: RunView, second: RunView) -> tuple[Row, ...]:
    both = partial(_row, first, second)
    rows = (
        both(_("Processor"), lambda view: _known(view, "machine", "processor")),
        both(_("Cores"), lambda view: _known(view, "machine", "cores"), unit="count"),
        both(_("Memory"), lambda view: _known(view, "machine", "memory_bytes"), unit="bytes"),
        both(_("System"), lambda view: _known(view, "machine", "system")),
        both("Python", lambda view: _known(view, "python", "version")),
        both(_("File system"), lambda view: _known(view, "disk", "file_system")),
        both(_("fsyncs per second"), lambda view: _known(view, "disk", "floor", "fsyncs_per_second"), unit="count"),
        both(_("CPU steal"), lambda view: view.noise.get("steal_ppm"), unit="ppm"),
        both(_("Foreign load"), lambda view: view.noise.get("foreign_load_ppm"), unit="ppm"),
    )
    return tuple(row for row in rows if row.first is not None or row.second is not None)


def _row(first: RunView, second: RunView, name: str, read: Any, *, unit: str = "") -> Row:
    return Row(name=name, first=read(first), second=read(second), unit=unit)


def _known(view: RunView, *path: str) -> Any:
    """A value of the run's environment, None where it was not read."""
    value: Any = view.run.environment
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _machine(view: RunView) -> tuple[Any, ...]:
    """What stays the same from run to run on one machine; its load does not."""
    return tuple(_known(view, "machine", name) for name in ("processor", "cores", "memory_bytes", "system"))


def _rules(first: RunView, second: RunView) -> Iterable[RulePair]:
    one, other = ({line.result.code: line.result for line in view.rules} for view in (first, second))
    for code in sorted({*one, *other}):
        question = (other.get(code) or one[code]).question
        yield RulePair(code=code, question=question, first=one.get(code), second=other.get(code))


def _worse_first(pair: RulePair) -> tuple[int, Decimal, str]:
    """What fell, then what rose, then by how much the margin shrank."""
    return ("worse", "better", "").index(pair.turn), pair.change or Decimal(0), pair.code
