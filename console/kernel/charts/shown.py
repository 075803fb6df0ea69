"""A chart as a page has it (`console/chart.html`): the still picture, a table, and plain values for the script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from console.kernel.charts.drawing import Bars, Chart, Say, bars_svg, svg_of
from console.kernel.charts.figures import said, said_time, said_waiting

MILLISECONDS = "ms"
ROWS_MAX = 30
"""Rows of the table beside a chart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What a chart shows, in words: headings and rows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def body(self) -> SafeString:
        """The rows, each with its heading: a page has some hundred of them, which take a template ten times as long."""
        return mark_safe("".join(_row(*row) for row in self.rows))  # noqa: S308 - escaped where it is made


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A chart as the page has it: the still picture, the table, and plain values for the script (None: it stays still).

    note: what the picture cannot say.
    """

    chart: Chart | Bars
    svg: SafeString
    table: Table
    plain: dict[str, Any] | None
    note: str = ""

    @property
    def values_id(self) -> str:
        """Where the script finds the values."""
        return f"{self.chart.key}-values"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """How the moments of a chart are said that lie on a calendar instead of behind a start.

    begins: the start, in seconds since 1970. say: on the axis; say_whole: in the table. zone: the reader's own choice,
    empty where the browser's is meant. Both are told the seconds since the start.
    """

    begins: float
    say: Say
    say_whole: Callable[[float], str]
    zone: str = ""


def shown_chart(
    chart: Chart, *, note: str = "", say: Say | None = None, places: int = 0, clock: Clock | None = None
) -> Shown:
    """A chart of lines. say: a value, None: a time in three digits that count, anything else in four. places: digits
    of a value behind the point in the script, 0: as many as count.
    """
    say = say or _say_of(chart.unit)
    plain = _plain(chart) | {"places": places, "digits": 3 if chart.unit == MILLISECONDS else 4}
    if clock is not None:
        plain |= {"begins": clock.begins, "zone": clock.zone}
    picture = svg_of(chart, say=say, say_time=clock.say if clock else said_time)
    return Shown(
        chart=chart,
        svg=mark_safe(picture),  # noqa: S308 - escaped where it is made
        table=_table(chart, say=say, say_time=clock.say_whole if clock else said_time),
        plain=plain,
        note=note,
    )


def shown_bars(bars: Bars, *, headings: tuple[str, str]) -> Shown:
    """A chart of bars, which stays still."""
    say = _say_of(bars.unit)
    rows = tuple((name, say(value)) for name, value in zip(bars.names, bars.values, strict=True))
    return Shown(
        chart=bars,
        svg=mark_safe(bars_svg(bars, say=say)),  # noqa: S308 - escaped where it is made
        table=Table(headings=headings, rows=rows),
        plain=None,
    )


def _say_of(unit: str) -> Say:
    return said_waiting if unit == MILLISECONDS else said


def _table(chart: Chart, *, say: Say, say_time: Say) -> Table:
    """Moments as far apart as the rows allow, the last one always."""
    step = -(-len(chart.xs) // ROWS_MAX)
    chosen = range(len(chart.xs) - 1, -1, -step)[::-1]
    unit = f" ({chart.unit})" if chart.unit else ""
    return Table(
        headings=(_("Time"), *(f"{line.label}{unit}" for line in chart.lines)),
        rows=tuple((say_time(chart.xs[at]), *(_cell(line.values[at], say) for line in chart.lines)) for at in chosen),
    )


def _row(heading: str, *cells: str) -> str:
    values = "".join(f'<td class="right num">{escape(cell)}</td>' for cell in cells)
    return f'<tr><th scope="row">{escape(heading)}</th>{values}</tr>'


def _cell(value: float | None, say: Say) -> str:
    return "–" if value is None else say(value)


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    """To a thousandth: a microsecond, a kilobyte."""
    return [None if value is None else round(value, 3) for value in values]


def _plain(chart: Chart) -> dict[str, Any]:
    """The chart for the script, with no more digits than can be seen."""
    return {
        "xs": _rounded(chart.xs),
        "lines": [{"label": line.label, "style": line.style, "values": _rounded(line.values)} for line in chart.lines],
        "marks": [{"kind": mark.kind, "start": mark.start, "end": mark.end} for mark in chart.marks],
        "band": {"upper": chart.band.upper, "lower": chart.band.lower} if chart.band else None,
        "low": chart.y_scale.low,
        "high": chart.y_scale.high,
        "log": chart.is_log,
        "stepped": chart.is_stepped,
        "unit": chart.unit,
    }
