"""Still charts: where things lie, what is left out, and that nothing in them can run or style by itself."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from console.kernel.charts.drawing import (
    PLOT_HEIGHT,
    PLOT_WIDTH,
    Band,
    Bars,
    Chart,
    Dot,
    Line,
    Mark,
    Percentiles,
    ShareLimit,
    bars_svg,
    course_svg,
    percentiles_svg,
    scale_of,
    svg_of,
    time_ticks,
)

HOSTILE = '</title><script>alert("1")</script>'


def chart_of(*values: float | None, **parts: Any) -> Chart:
    """A chart with one line, a point each second."""
    line = Line(label="line", style=1, values=values)
    xs = tuple(float(number) for number in range(len(values)))
    whole: dict[str, Any] = {"key": "k", "title": "T", "summary": "S", "unit": "ms", "xs": xs, "lines": (line,)}
    return Chart(**{**whole, **parts})


def drawn(chart: Chart) -> str:
    """The chart with figures as Python writes them."""
    return svg_of(chart, say=str, say_time=str)


def path_of(svg: str, css_class: str) -> str:
    """The way of the first path of a class."""
    found = re.search(rf'<path class="{css_class}" d="([^"]*)"', svg)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("values", "is_log", "ticks"),
    [
        ((0, 100), False, (0, 20, 40, 60, 80, 100)),
        ((40.01, 40.06), False, (40.01, 40.02, 40.03, 40.04, 40.05, 40.06)),
        ((-3, 7), False, (-2, 0, 2, 4, 6)),
        ((0.8, 1000), True, (1, 10, 100, 1000)),
        ((2, 9), True, (2, 5, 10)),
        ((), False, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ((), True, (0.1, 1, 10)),
    ],
)
def test_ticks_are_round_and_within_the_scale(
    values: tuple[float, ...], is_log: bool, ticks: tuple[float, ...]
) -> None:
    """Whatever is drawn, a person can read the distance between two lines of the grid."""
    assert scale_of(values, is_log=is_log).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize("value", [0.0, 41.5, -2.0, 1e9])
def test_a_scale_around_one_value_has_room_and_the_value_in_it(value: float) -> None:
    """A flat line is no division by zero."""
    assert 0 < scale_of([value, value]).place(value) < 1


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [(4, (0, 1, 2, 3, 4)), (29, (0, 5, 10, 15, 20, 25)), (1800, (0, 300, 600, 900, 1200, 1500, 1800))],
)
def test_moments_on_the_axis_are_round(seconds: float, ticks: tuple[float, ...]) -> None:
    """Seconds, then half minutes, then minutes."""
    assert time_ticks(seconds) == ticks


def test_moments_on_the_axis_of_a_week_are_few() -> None:
    """However long something took."""
    assert len(time_ticks(7 * 86_400)) <= 7


def test_a_line_has_a_gap_where_nothing_was_measured() -> None:
    """And what stands alone between two gaps is a dot, not nothing."""
    way = path_of(drawn(chart_of(1, None, 2, None, 3, 4)), "line s1")

    assert way.count("M") == 3
    assert way.count("h0") == 3
    assert way.count("L") == 1


def test_every_point_lies_within_the_plot() -> None:
    """Limits widen the scale, so that they are drawn in and never cut off."""
    limit = Mark(label="limit", kind="limit", start=(0, 500), end=(2, 500))

    svg = drawn(chart_of(0.8, 2.1, 40, marks=(limit,), is_log=True))

    places = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path_of(svg, "line s1") + path_of(svg, "mark limit"))
    assert len(places) == 5
    assert all(0 <= float(x) <= PLOT_WIDTH and 0 <= float(y) <= PLOT_HEIGHT for x, y in places)


def test_a_value_of_zero_on_a_scale_of_decades_is_drawn_at_its_lower_end() -> None:
    """There is no logarithm of it."""
    assert scale_of([0, 1, 100], is_log=True).place(0) == 0


def test_rates_are_drawn_from_zero_and_memory_is_not() -> None:
    """A tenth more must look like a tenth where the share matters."""
    assert chart_of(90, 100, from_zero=True).y_scale.low == 0
    assert chart_of(90, 100).y_scale.low > 80


def test_an_interval_is_a_closed_area_around_the_trend() -> None:
    """Upper ends from left to right, lower ends back."""
    band = Band(label="interval", upper=((0, 3), (2, 4)), lower=((0, 2), (2, 1)))

    way = path_of(drawn(chart_of(2, 3, 2, band=band)), "band")

    assert (way[0], way[-1], way.count("L")) == ("M", "Z", 3)


def test_a_line_of_another_length_than_its_chart_is_refused() -> None:
    """Values would stand at the wrong moments."""
    with pytest.raises(ValueError, match="another number of values"):
        chart_of(1, 2, xs=(0.0,))


@pytest.mark.parametrize("style", [0, 5])
def test_a_style_the_sheet_does_not_have_is_refused(style: int) -> None:
    """It would be a line nobody sees."""
    with pytest.raises(ValueError, match="style"):
        Line(label="line", style=style, values=())


def test_bars_are_as_high_as_their_values_and_carry_them_in_words() -> None:
    """Colour and height are not all there is."""
    bars = Bars(key="k", title="T", summary="S", unit="ms", names=("1", "2"), values=(10, 20))

    svg = bars_svg(bars, say=str)

    heights = [float(height) for height in re.findall(r'<rect[^>]* height="([\d.]+)"', svg)]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert ">20<" in svg


def curves_of(**changes: Any) -> Percentiles:
    """Two runs with the percentiles that every scenario measures."""
    values: dict[str, Any] = {
        "key": "k",
        "title": "T",
        "summary": "S",
        "unit": "ms",
        "names": ("50 %", "95 %", "99 %", "99.9 %", "max."),
        "shares": (50.0, 95.0, 99.0, 99.9, 100.0),
        "first": (1.0, 10.0, 20.0, 30.0, 100.0),
        "second": (2.0, 20.0, 40.0, 60.0, 200.0),
    }
    return Percentiles(**(values | changes))


def test_percentiles_lie_as_far_apart_as_what_they_leave_out_is_rarer() -> None:
    """From 99 to 99.9 is as far as from 90 to 99 would be: ten times fewer answers are left each time."""
    svg = percentiles_svg(curves_of(), say=str)

    columns = [float(at) for at in re.findall(r'class="grid" x1="([\d.]+)%"', svg)]
    decade = columns[3] - columns[2]
    assert columns == sorted(columns)
    assert columns[2] - columns[1] == pytest.approx(decade * math.log10(5), abs=0.2)


def test_a_percentile_that_was_not_measured_breaks_the_curve_and_the_slowest_answer_is_no_part_of_it() -> None:
    """Nothing is drawn where nothing was measured: four points and two pieces, not five joined ones."""
    svg = percentiles_svg(curves_of(second=(2.0, None, 40.0, 60.0, 200.0)), say=str)

    first, second = re.findall(r'class="line s\d" d="([^"]+)"', svg)
    assert (first.count("M"), first.count("L")) == (1, 3)
    assert (second.count("M"), second.count("L")) == (2, 1)
    assert (svg.count('class="dot s1"'), svg.count('class="dot s2"')) == (5, 4)


def test_a_limit_stands_at_its_percentile_alone() -> None:
    """A limit of the 95th percentile drawn across would claim that the slowest answer is held to it too."""
    limit = ShareLimit(label="limit", kind="limit", share=95.0, value=500.0)

    svg = percentiles_svg(curves_of(limits=(limit,)), say=str)

    left, right = map(float, re.findall(r'class="mark limit" x1="([\d.]+)%" x2="([\d.]+)%"', svg)[0])
    column = float(re.findall(r'class="grid" x1="([\d.]+)%"', svg)[1])
    assert left < column < right
    assert right - left < 15


def test_a_course_leads_to_the_runs_and_is_silent_for_screen_readers() -> None:
    """The table beside it says the same; the keyboard need not walk through sixty dots."""
    dots = [Dot(value=value, tone="pass", url=f"/run/{n}/", title=f"Run {n}") for n, value in enumerate((0.5, None))]

    svg = course_svg(dots)

    assert 'aria-hidden="true"' in svg
    assert svg.count('tabindex="-1"') == svg.count("<a ") == 2


def test_nothing_drawn_can_run_or_style_by_itself() -> None:
    """The content policy forbids inline styles, and what a run is called is text."""
    mark = Mark(label=HOSTILE, kind="limit", start=(0, 1), end=(1, 1))
    dot = Dot(value=0.0, tone="fail", url='/"><script>', title=HOSTILE)
    pictures = [
        drawn(chart_of(1, 2, title=HOSTILE, summary=HOSTILE, marks=(mark,))),
        bars_svg(Bars(key="k", title=HOSTILE, summary=HOSTILE, unit="", names=(HOSTILE,), values=(1,)), say=str),
        percentiles_svg(curves_of(title=HOSTILE, summary=HOSTILE, names=(HOSTILE,) * 5), say=str),
        course_svg([dot]),
    ]

    for picture in pictures:
        tags = {element.tag for element in fromstring(picture).iter()}
        assert tags <= {"svg", "g", "a", "title", "desc", "text", "line", "path", "rect", "circle"}
        assert " style=" not in picture
