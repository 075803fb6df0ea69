"""Within which time the answers of two runs came, scenario by scenario: the percentiles that were measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from console.kernel.charts.drawing import WHOLE, Percentiles, ShareLimit, percentiles_svg
from console.kernel.charts.figures import said, said_waiting
from testruns.gates.rule import Operator
from testruns.models import RuleResult
from testruns.reading import ExecutionLine, RunView
from testruns.units import MILLISECONDS, converted

SHARES = {"p50_us": 50.0, "p95_us": 95.0, "p99_us": 99.0, "p999_us": 99.9, "max_us": WHOLE}
Times = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeRow:
    """One percentile of both runs in ms, None where it was not measured; limits: in words, what it was held to."""

    name: str
    first: float | None
    second: float | None
    limits: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The waiting times of one scenario in both runs. answers: how many were counted, of the first and the second."""

    title: str
    concurrency: int
    svg: SafeString
    rows: tuple[TimeRow, ...]
    answers: tuple[int | None, int | None]
    limits: tuple[ShareLimit, ...]


def distributions(first: RunView, second: RunView) -> tuple[Distribution, ...]:
    """Of every scenario that has a waiting time in one of the runs."""
    one, other = ({_place(line): line for line in view.executions} for view in (first, second))
    results = [line.result for view in (first, second) for line in view.rules]
    found = []
    for place in [*one, *(place for place in other if place not in one)]:
        lines = one.get(place), other.get(place)
        if any(_times(line) for line in lines):
            found.append(_distribution(lines, tuple(_limits(results, place[0])), key=f"times-{place[0]}-{place[1]}"))
    return tuple(found)


def _place(line: ExecutionLine) -> tuple[str, int]:
    return line.execution.scenario, line.execution.concurrency


def _distribution(
    lines: tuple[ExecutionLine | None, ExecutionLine | None], limits: tuple[ShareLimit, ...], *, key: str
) -> Distribution:
    first, second = _times(lines[0]), _times(lines[1])
    answers = _answers(lines[0]), _answers(lines[1])
    line = next(line for line in lines if line)
    measured = [name for name in SHARES if name in first or name in second]
    chart = Percentiles(
        key=key,
        title=_(line.title),
        summary=_("Waiting times of both runs; the table beside it has the figures."),
        unit="ms",
        names=tuple(_("max.") if SHARES[name] == WHOLE else f"{said(SHARES[name])}\u202f%" for name in measured),
        shares=tuple(SHARES[name] for name in measured),
        first=tuple(_telling(first, name, answers[0]) for name in measured),
        second=tuple(_telling(second, name, answers[1]) for name in measured),
        limits=limits,
    )
    return Distribution(
        title=line.title,
        concurrency=line.execution.concurrency,
        svg=mark_safe(percentiles_svg(chart, say=said_waiting)),  # noqa: S308 - escaped where it is made
        rows=tuple(
            TimeRow(
                name=_said_share(SHARES[name]),
                first=first.get(name),
                second=second.get(name),
                limits=tuple(limit.label for limit in limits if limit.share == SHARES[name]),
            )
            for name in measured
        ),
        answers=answers,
        limits=limits,
    )


def _said_share(share: float) -> str:
    return _("slowest") if share == WHOLE else _("%(share)s %% within") % {"share": said(share)}


def _times(line: ExecutionLine | None) -> Times:
    """In ms, by the name of the measurement; a time of 0 stands for no answer."""
    figures = line.figures if line else ()
    return {one.name: float(one.value) / 1000 for one in figures if one.name in SHARES and float(one.value) > 0}


def _answers(line: ExecutionLine | None) -> int | None:
    figures = line.figures if line else ()
    return next((int(one.value) for one in figures if one.name == "operations"), None)


def _telling(times: Times, name: str, answers: int | None) -> float | None:
    """A percentile that leaves out less than one answer is the slowest by another name, and no point of a curve."""
    share = SHARES[name]
    is_empty = answers is not None and share != WHOLE and answers * (WHOLE - share) < WHOLE
    return None if is_empty else times.get(name)


def _limits(results: Sequence[RuleResult], scenario: str) -> Iterable[ShareLimit]:
    """What the percentiles of a scenario were held to in either run, each limit once."""
    seen = set()
    for result in results:
        for source in result.sources:
            name = source["measurement"]
            if source["scenario"] != scenario or name not in SHARES or result.operator != Operator.LESS.value:
                continue
            for limit in _said_limits(result, SHARES[name]):
                if limit not in seen:
                    seen.add(limit)
                    yield limit


def _said_limits(result: RuleResult, share: float) -> Iterable[ShareLimit]:
    words = (
        ("limit", result.expected, _("limit of %(code)s: %(value)s")),
        ("block", result.blocking, _("blocks from %(value)s")),
    )
    for kind, text, template in words:
        level = converted(value=Decimal(text), measured_in=result.unit, asked_in=MILLISECONDS) if text else None
        if level is not None:
            label = template % {"code": result.code, "value": f"{said(float(level))}\u202fms"}
            yield ShareLimit(label=label, kind=kind, share=share, value=float(level))
