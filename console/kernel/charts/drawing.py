"""Charts as still pictures: SVG that needs no script, takes its colours from classes and is as wide as its place.

The drawing itself has no view box, so words keep their size on a phone; only the plot inside is stretched. Everything a
person reads comes in finished, in their language.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

Say = Callable[[float], str]
Point = tuple[float, float]

HEIGHT: Final = 208
PLOT_TOP: Final = 16
PLOT_HEIGHT: Final = 168
PLOT_WIDTH: Final = 1000
CURVE_PERCENT: Final = (12, 74)
"""Where percentiles begin and end across a drawing of them."""
SLOWEST_PERCENT: Final = 94
LIMIT_PERCENT: Final = 6
COURSE_HEIGHT: Final = 72
TICKS_MAX: Final = 6
TREND: Final = "trend"
"""The kind of mark that is drawn above the lines it was worked out from."""
WHOLE: Final = 100.0
"""All answers, in percent: the share of the slowest."""
STYLES: Final = 4
"""Lines look different in colour and in dashes; more than four in one chart nobody can tell apart."""
_TIME_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600)
_DAY: Final = 86_400
_DAY_STEPS: Final = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730)
_NARROWEST: Final = 1e-9
_CIRCLE: Final = '<circle class="dot s1" r="5"/>'
_DIAMOND: Final = '<path class="dot s2" d="M0-6 6 0 0 6-6 0z"/>'
_SHAPES: Final = {
    "pass": '<circle class="dot" r="4.5"/>',
    "unsure": '<circle class="dot hollow" r="4.5"/>',
    "error": '<path class="dot hollow" d="M0-5.5 5.5 4.5h-11z"/>',
    "fail": '<path class="dot cross" d="m-4.5-4.5 9 9m0-9-9 9"/>',
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A measured line. style: 1 to 4. values: one for each x of its chart, None where nothing was measured."""

    label: str
    style: int
    values: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.style <= STYLES:
            raise ValueError(f"style {self.style}: 1 to {STYLES} are known")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A straight line that was not measured there. kind: limit, block (what blocks a release) or trend."""

    label: str
    kind: str
    start: Point
    end: Point


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """An area between two lines with the same x, as an interval around a trend."""

    label: str
    upper: tuple[Point, ...]
    lower: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over seconds since a start. summary: what a person who cannot see it should know.

    xs: strictly increasing. is_log: latencies lie decades apart from their limits. from_zero: shares and rates.
    is_stepped: a value holds until the next one, as a balance does.
    """

    key: str
    title: str
    summary: str
    unit: str
    xs: tuple[float, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    band: Band | None = None
    is_log: bool = False
    from_zero: bool = False
    is_stepped: bool = False

    def __post_init__(self) -> None:
        if any(len(line.values) != len(self.xs) for line in self.lines):
            raise ValueError(f"chart {self.key}: a line has another number of values than the chart has moments")

    @property
    def y_scale(self) -> Scale:
        """From the smallest to the largest of all that is drawn, limits too."""
        values = [value for line in self.lines for value in line.values if value is not None]
        values += [y for mark in self.marks for _, y in (mark.start, mark.end)]
        if self.band is not None:
            values += [y for _, y in (*self.band.upper, *self.band.lower)]
        return scale_of(values, is_log=self.is_log, from_zero=self.from_zero)

    @property
    def x_scale(self) -> Scale:
        """From the start to the last moment."""
        return Scale(low=0.0, high=max(self.xs[-1] if self.xs else 0.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar for each of a few things. names: under the bars."""

    key: str
    title: str
    summary: str
    unit: str
    names: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareLimit:
    """A limit of one percentile. share: which, in percent. kind: limit or block (what blocks a release)."""

    label: str
    kind: str
    share: float
    value: float


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Within which time what share of the answers came, of two runs, on a scale of decades.

    shares: in percent, rising; each further decade of the rest takes as much room as the one before, and 100, the
    slowest answer, lies apart. names: below them. first, second: None where a run measured nothing.
    """

    key: str
    title: str
    summary: str
    unit: str
    names: tuple[str, ...]
    shares: tuple[float, ...]
    first: tuple[float | None, ...]
    second: tuple[float | None, ...]
    limits: tuple[ShareLimit, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """One point of a course. value: -1 to 1, None stands in the middle. tone: pass, unsure, fail, error decide colour
    and shape. url and title: where it leads, and what it says when pointed at."""

    value: float | None
    tone: str
    url: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Where a value lies between two ends, 0 to 1. Values outside are drawn at the nearer end."""

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """The share of the way from low to high."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.is_log else (self.low, self.high)
        at = math.log10(max(value, self.low)) if self.is_log else value
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> tuple[float, ...]:
        """A few round values within the scale."""
        return _decades(self.low, self.high) if self.is_log else _round_steps(self.low, self.high)


def scale_of(values: Sequence[float], *, is_log: bool = False, from_zero: bool = False) -> Scale:
    """A scale with some air around the values. Without any value it goes from 0 to 1 (log: 0.1 to 10)."""
    if is_log:
        above = [value for value in values if value > 0]
        low, high = (min(above), max(above)) if above else (0.1, 10.0)
        return Scale(low=low / 1.5, high=high * 1.5, is_log=True)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if from_zero:
        low = min(low, 0.0)
        return Scale(low=low, high=(high + 0.08 * (high - low)) if high > low else low + 1.0)
    air = 0.08 * (high - low) or max(abs(high) * 0.02, _NARROWEST)
    return Scale(low=low - air, high=high + air)


def time_ticks(seconds: float) -> tuple[float, ...]:
    """Round moments from 0 to `seconds`, at most seven."""
    steps = (*_TIME_STEPS, *(_DAY * days for days in _DAY_STEPS))
    step = next((step for step in steps if seconds / step <= TICKS_MAX), math.ceil(seconds / TICKS_MAX))
    return tuple(float(step * number) for number in range(int(seconds // step) + 1))


def svg_of(chart: Chart, *, say: Say, say_time: Say) -> str:
    """The chart as SVG. say: a value without its unit; say_time: a number of seconds."""
    x_scale, y_scale = chart.x_scale, chart.y_scale
    plot = [_band(chart.band, x_scale, y_scale)] if chart.band else []
    plot += [_mark(mark, x_scale, y_scale) for mark in chart.marks if mark.kind != TREND]
    columns = _columns(chart.xs, x_scale)
    plot += [_line(line, columns, y_scale, is_stepped=chart.is_stepped) for line in chart.lines]
    plot += [_mark(mark, x_scale, y_scale) for mark in chart.marks if mark.kind == TREND]
    parts = [_grid(y_scale), _time_axis(x_scale, say_time), _stretched(plot), _values(y_scale, say)]
    return _drawing(chart.key, chart.title, chart.summary, parts)


def bars_svg(bars: Bars, *, say: Say) -> str:
    """Bars as SVG, each with its value above it."""
    scale = scale_of(bars.values, from_zero=True)
    room = 100 / max(len(bars.values), 1)
    parts = [_grid(scale)]
    for number, (name, value) in enumerate(zip(bars.names, bars.values, strict=True)):
        top = _y(scale, value)
        middle = room * (number + 0.5)
        parts.append(
            f'<rect class="bar-of" x="{_n(room * (number + 0.2))}%" width="{_n(room * 0.6)}%" y="{_n(top)}" '
            f'height="{_n(max(PLOT_TOP + PLOT_HEIGHT - top, 1))}" rx="2"/>'
            f'<text x="{_n(middle)}%" y="{_n(top - 5)}" text-anchor="middle">{escape(say(value))}</text>'
            f'<text x="{_n(middle)}%" y="{HEIGHT - 6}" text-anchor="middle">{escape(name)}</text>'
        )
    return _drawing(bars.key, bars.title, bars.summary, parts)


def percentiles_svg(chart: Percentiles, *, say: Say) -> str:
    """Two curves from percentile to percentile, with a point where something was measured: circles and diamonds.

    The slowest answer is a point of its own, for no share lies between it and the last percentile. A limit stands at
    the percentile that it is asked of, nowhere else.
    """
    drawn = [*chart.first, *chart.second, *(limit.value for limit in chart.limits)]
    scale = scale_of([value for value in drawn if value is not None], is_log=True)
    columns = [_n(_share_percent(share)) for share in chart.shares]
    base = PLOT_TOP + PLOT_HEIGHT
    parts = [_grid(scale), f'<line class="axis" x1="0" x2="100%" y1="{base}" y2="{base}"/>']
    for name, share, at in zip(chart.names, chart.shares, columns, strict=True):
        end = '100%" text-anchor="end' if share == WHOLE else f'{at}%" text-anchor="middle'
        parts.append(f'<line class="grid" x1="{at}%" x2="{at}%" y1="{PLOT_TOP}" y2="{base}"/>')
        parts.append(f'<text x="{end}" y="{HEIGHT - 6}">{escape(name)}</text>')
    parts += [_share_limit(limit, scale) for limit in chart.limits]
    runs = ((chart.first, 1, _CIRCLE), (chart.second, 2, _DIAMOND))
    below = [None if share == WHOLE else 10 * _share_percent(share) for share in chart.shares]
    parts.append(_stretched([_curve(below, values, scale, style) for values, style, _shape in runs]))
    for values, _style, shape in runs:
        places = zip(columns, values, strict=True)
        parts += [_placed(at, _n(_y(scale, value)), shape) for at, value in places if value is not None]
    return _drawing(chart.key, chart.title, chart.summary, [*parts, _values(scale, say)])


def course_svg(dots: Sequence[Dot]) -> str:
    """A small course of dots from the earliest to the latest around a line at 0; for the eye alone, a table says it."""
    points, parts = [], []
    for number, dot in enumerate(dots):
        x = 100 * (number + 0.5) / len(dots)
        y = COURSE_HEIGHT / 2 * (1 - 0.8 * (dot.value or 0.0))
        if dot.value is not None:
            points.append(f"{_n(PLOT_WIDTH * x / 100)} {_n(y)}")
        mark = f'<g class="tone-{dot.tone}">{_SHAPES[dot.tone]}</g>'
        parts.append(
            f'<a href="{escape(dot.url)}" tabindex="-1"><title>{escape(dot.title)}</title>'
            f"{_placed(_n(x), _n(y), mark)}</a>"
        )
    middle = _n(COURSE_HEIGHT / 2)
    way = f'<path class="way" d="M{"L".join(points)}"/>' if points else ""
    return (
        f'<svg class="chart course drawn" width="100%" height="{COURSE_HEIGHT}" aria-hidden="true">'
        f'<line class="mark limit" x1="0" x2="100%" y1="{middle}" y2="{middle}"/>'
        f'<svg width="100%" height="{COURSE_HEIGHT}" viewBox="0 0 {PLOT_WIDTH} {COURSE_HEIGHT}" '
        f'preserveAspectRatio="none">{way}</svg>{"".join(parts)}</svg>'
    )


def _share_percent(share: float) -> float:
    """Where a share of the answers lies, in percent of the width: 90 as far from 99 as this from 99.9."""
    if share == WHOLE:
        return SLOWEST_PERCENT
    left, right = CURVE_PERCENT
    begin, end = (-math.log10(1 - part / WHOLE) for part in (50.0, 99.9))
    return left + (right - left) * (-math.log10(1 - share / WHOLE) - begin) / (end - begin)


def _curve(columns: Sequence[float | None], values: Sequence[float | None], scale: Scale, style: int) -> str:
    """Straight from one measured percentile to the next; broken where one was not measured."""
    parts, is_open = [], False
    for column, value in zip(columns, values, strict=True):
        if column is None or value is None:
            is_open = False
            continue
        parts.append(f"{'L' if is_open else 'M'}{_n(column)} {_n(PLOT_HEIGHT * (1 - scale.place(value)))}")
        is_open = True
    return f'<path class="line s{style}" d="{"".join(parts)}"/>' if parts else ""


def _share_limit(limit: ShareLimit, scale: Scale) -> str:
    middle, y = _share_percent(limit.share), _n(_y(scale, limit.value))
    ends = [_n(middle + way * LIMIT_PERCENT) for way in (-1, 1)]
    return f'<line class="mark {limit.kind}" x1="{ends[0]}%" x2="{ends[1]}%" y1="{y}" y2="{y}"/>'


def _placed(x: str, y: str, shape: str) -> str:
    """A shape drawn around its own middle, at x percent and y pixels."""
    return f'<svg x="{x}%" y="{y}" overflow="visible">{shape}</svg>'


def _drawing(key: str, title: str, summary: str, parts: Sequence[str], *, height: int = HEIGHT) -> str:
    return (
        f'<svg class="chart drawn" id="{key}-still" width="100%" height="{height}" role="img" '
        f'aria-labelledby="{key}-title {key}-summary"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-summary">{escape(summary)}</desc>{"".join(parts)}</svg>'
    )


def _stretched(parts: Sequence[str]) -> str:
    return (
        f'<svg x="0" y="{PLOT_TOP}" width="100%" height="{PLOT_HEIGHT}" viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(parts)}</svg>'
    )


def _grid(scale: Scale) -> str:
    lines = (_n(_y(scale, value)) for value in scale.ticks())
    return "".join(f'<line class="grid" x1="0" x2="100%" y1="{at}" y2="{at}"/>' for at in lines)


def _values(scale: Scale, say: Say) -> str:
    """The words of the grid, above the lines so that none hides them."""
    return "".join(
        f'<text class="on-plot" x="2" y="{_n(_y(scale, value) - 3)}">{escape(say(value))}</text>'
        for value in scale.ticks()
    )


def _time_axis(scale: Scale, say: Say) -> str:
    base = PLOT_TOP + PLOT_HEIGHT
    parts = [f'<line class="axis" x1="0" x2="100%" y1="{base}" y2="{base}"/>']
    for value in time_ticks(scale.high):
        share = scale.place(value)
        anchor = "start" if share < 0.02 else "end" if share > 0.96 else "middle"
        at = _n(100 * share)
        parts.append(f'<line class="axis" x1="{at}%" x2="{at}%" y1="{base}" y2="{base + 4}"/>')
        parts.append(f'<text x="{at}%" y="{HEIGHT - 6}" text-anchor="{anchor}">{escape(say(value))}</text>')
    return "".join(parts)


def _line(line: Line, columns: Sequence[str], scale: Scale, *, is_stepped: bool) -> str:
    """One path; where nothing was measured it has a gap, and a single point between two gaps stays visible."""
    parts: list[str] = []
    is_open = False
    height_of = _heights(scale)
    for column, value in zip(columns, line.values, strict=True):
        if value is None:
            is_open = False
            continue
        height = f"{height_of(value):.1f}"
        onwards = f"H{column}V{height}" if is_stepped else f"L{column} {height}"
        parts.append(onwards if is_open else f"M{column} {height}h0")
        is_open = True
    return f'<path class="line s{line.style}" d="{"".join(parts)}"/>'


def _columns(xs: Sequence[float], scale: Scale) -> list[str]:
    """Where the moments lie in the plot, once for all lines."""
    stretch = PLOT_WIDTH / (scale.high - scale.low)
    return [f"{(x - scale.low) * stretch:.1f}" for x in xs]


def _heights(scale: Scale) -> Callable[[float], float]:
    """As `Scale.place`, in pixels from the top of the plot: thousands of points make up a page."""
    if scale.is_log:
        base = math.log10(scale.low)
        stretch = PLOT_HEIGHT / (math.log10(scale.high) - base)
        return lambda value: PLOT_HEIGHT - stretch * (math.log10(max(value, scale.low)) - base)
    stretch = PLOT_HEIGHT / (scale.high - scale.low)
    return lambda value: PLOT_HEIGHT - stretch * (value - scale.low)


def _mark(mark: Mark, x_scale: Scale, y_scale: Scale) -> str:
    ends = "L".join(_place(x, y, x_scale, y_scale) for x, y in (mark.start, mark.end))
    return f'<path class="mark {mark.kind}" d="M{ends}"/>'


def _band(band: Band, x_scale: Scale, y_scale: Scale) -> str:
    corners = [_place(x, y, x_scale, y_scale) for x, y in (*band.upper, *reversed(band.lower))]
    return f'<path class="band" d="M{"L".join(corners)}Z"/>'


def _place(x: float, y: float, x_scale: Scale, y_scale: Scale) -> str:
    return f"{_n(PLOT_WIDTH * x_scale.place(x))} {_n(PLOT_HEIGHT * (1 - y_scale.place(y)))}"


def _y(scale: Scale, value: float) -> float:
    """Where a value lies in the whole drawing, in pixels from its top."""
    return PLOT_TOP + PLOT_HEIGHT * (1 - scale.place(value))


def _n(value: float) -> str:
    """A coordinate: one digit behind the point is finer than any screen."""
    return f"{value:.1f}".removesuffix(".0")


def _round_steps(low: float, high: float) -> tuple[float, ...]:
    raw = (high - low) / TICKS_MAX
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step - _NARROWEST)
    last = math.floor(high / step + _NARROWEST)
    return tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))


def _decades(low: float, high: float) -> tuple[float, ...]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if last - first > 2 else (1, 2, 5)
    values = (factor * 10.0**power for power in range(first, last + 1) for factor in factors)
    return tuple(value for value in values if low <= value <= high)
