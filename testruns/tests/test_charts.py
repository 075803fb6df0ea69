"""Still charts: where things lie, what is left out, and that nothing in them can run or style by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from testruns.charts import (
    PLOT_HEIGHT,
    PLOT_WIDTH,
    Band,
    Bars,
    Chart,
    Dot,
    Line,
    Mark,
    Pairs,
    bars_svg,
    course_svg,
    pairs_svg,
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


def test_a_pair_with_one_value_has_one_point_and_no_way_between() -> None:
    """What was not measured is not drawn at zero."""
    pairs = Pairs(key="k", title="T", summary="S", unit="ms", names=("95 %",), first=(3.0,), second=(None,))

    svg = pairs_svg(pairs, say=str)

    assert svg.count('class="dot') == 1
    assert 'class="axis"' not in svg


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
        pairs_svg(Pairs(key="k", title="", summary="", unit="", names=(HOSTILE,), first=(1,), second=(2,)), say=str),
        course_svg([dot]),
    ]

    for picture in pictures:
        tags = {element.tag for element in fromstring(picture).iter()}
        assert tags <= {"svg", "g", "a", "title", "desc", "text", "line", "path", "rect", "circle"}
        assert " style=" not in picture
