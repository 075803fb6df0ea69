"""The charts of a scenario: what they make of samples, measurements and the limits of the run's policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from django.utils.translation import override

from console.kernel.charts.drawing import Chart
from console.kernel.charts.figures import said, said_waiting
from console.kernel.charts.shown import Table
from testruns.admin.run_charts import ChartSource, charts_of, latency, memory, recoveries, throughput
from testruns.gates.policy import shipped_policy

SECONDS = 1800
TREND = {"memory_slope_low": "0.01", "memory_slope": "0.02", "memory_slope_high": "0.04"}


def samples(count: int = 6, *, every_ms: int = 1000, **changes: int) -> list[dict[str, int]]:
    """A hundred operations a second are offered and answered; memory grows by a megabyte every fifty minutes."""
    return [
        {"elapsed_ms": every_ms * n, "offered": every_ms * n // 10, "operations": every_ms * n // 10, "refused": 0}
        | {"errors": 0, "p50_us": 800, "p95_us": 2100, "p99_us": 4000, "p999_us": 9000, "open_files": 14, "sockets": 2}
        | {"rss_anon_bytes": 40_000_000 + every_ms * n // 3}
        | changes
        for n in range(1, count + 1)
    ]


def source(
    points: Sequence[Mapping[str, int]], *, scenario: str = "load_reality", measured: Mapping[str, str] | None = None
) -> ChartSource:
    """An execution under the shipped policy."""
    return ChartSource(
        execution_id=7,
        scenario=scenario,
        samples=points,
        measured={name: Decimal(value) for name, value in (measured or {}).items()},
        policy=shipped_policy(),
    )


def line_of(chart: Chart, label: str) -> tuple[float | None, ...]:
    """The values of a line."""
    return next(line.values for line in chart.lines if line.label == label)


def test_rates_are_differences_of_the_totals_over_the_time_between() -> None:
    """Also for the first point, which counts from the start, and when points were merged."""
    chart, _ = throughput(source(samples(every_ms=2500)))

    assert line_of(chart, "offered") == (100.0,) * 6
    assert line_of(chart, "answered") == (100.0,) * 6


def test_no_rate_is_made_of_two_samples_that_came_at_once() -> None:
    """The last one follows as soon as the load ends: eleven operations in 30 ms would be a peak that never was."""
    points = samples()
    points.append({**points[-1], "elapsed_ms": points[-1]["elapsed_ms"] + 30})
    points[-1]["operations"] += 11

    chart, _ = throughput(source(points))

    assert line_of(chart, "answered")[-1] is None
    assert line_of(chart, "answered")[-2] == 100.0


def test_a_ledger_that_falls_behind_shows_between_offered_and_answered() -> None:
    """That is what the chart is for."""
    points = samples()
    points[3] |= {"operations": points[2]["operations"] + 20}

    chart, _ = throughput(source(points))

    assert line_of(chart, "answered")[3] == 20
    assert line_of(chart, "offered")[3] == 100


def test_refusals_and_failures_are_lines_only_where_there_were_any() -> None:
    """An empty line would only be one more to tell apart."""
    without, _ = throughput(source(samples()))
    points = samples()
    points[-1] |= {"refused": 40, "errors": 2}
    some, _ = throughput(source(points))

    assert [line.label for line in without.lines] == ["offered", "answered"]
    assert [line.label for line in some.lines] == ["offered", "answered", "refused", "failed"]


def test_an_interval_without_an_answer_is_a_gap_in_the_latencies() -> None:
    """Nobody waited 0 ms."""
    points = samples()
    points[2] |= {"p50_us": 0, "p95_us": 0, "p99_us": 0, "p999_us": 0}

    chart, _ = latency(source(points))

    assert [line.values[2] for line in chart.lines] == [None] * 4
    assert line_of(chart, "95 % within")[0] == 2.1


def test_the_limits_of_the_policy_are_drawn_into_the_latencies_of_the_soak() -> None:
    """E03: 500 ms, and 1000 ms blocks."""
    chart, _ = latency(source(samples()))

    assert [(mark.kind, mark.start[1]) for mark in chart.marks] == [("limit", 500.0), ("block", 1000.0)]
    assert chart.y_scale.high > 1000


def test_another_scenario_has_its_own_limits_or_none() -> None:
    """The storm has to be fast and to reach its throughput; nothing is asked of the waiting times of a chaos."""
    storm = source(samples(), scenario="credit_storm")
    chaos = source(samples(), scenario="ml_chaos")

    assert [mark.start[1] for mark in latency(storm)[0].marks] == [300.0]
    assert [mark.start[1] for mark in throughput(storm)[0].marks] == [100.0]
    assert latency(chaos)[0].marks == throughput(chaos)[0].marks == ()


def test_the_trend_runs_through_what_was_seen_after_the_warm_up_beside_the_slope_allowed() -> None:
    """With the interval around it; the limit begins where the trend does."""
    chart, note = memory(source(samples(600, every_ms=3000), measured=TREND))

    trend, limit = chart.marks
    assert (trend.start[0], trend.end[0]) == (300, SECONDS)
    assert trend.end[1] - trend.start[1] == pytest.approx(0.02 * 25)
    assert limit.start == trend.start
    assert limit.end[1] - limit.start[1] == pytest.approx(0.1 * 25)
    assert chart.band is not None
    assert all(low <= high for (_, low), (_, high) in zip(chart.band.lower, chart.band.upper, strict=True))
    assert note == "Trend: 0.02 MB/min, between 0.01 and 0.04."


def test_without_a_measured_trend_none_is_drawn_and_the_soak_says_why() -> None:
    """A line through half a minute would be a guess; other scenarios have no trend at all."""
    soak, why = memory(source(samples()))
    other, nothing = memory(source(samples(), scenario="credit_storm"))

    assert (soak.marks, soak.band, other.marks, nothing) == ((), None, (), "")
    assert why.startswith("A trend takes a soak")


def test_every_recovery_is_a_bar_in_the_order_of_the_kills() -> None:
    """The tenth after the ninth, and the largest of them is no recovery of its own."""
    measured = {f"recovery_ms_{n}": str(10 * n) for n in range(1, 11)} | {"recovery_ms_max": "100"}

    bars = recoveries(source([], scenario="crash_replay", measured=measured))

    assert bars is not None
    assert bars.names == tuple(str(n) for n in range(1, 11))
    assert bars.values == tuple(10.0 * n for n in range(1, 11))
    assert recoveries(source(samples())) is None


def test_a_scenario_with_less_than_two_points_has_no_course() -> None:
    """One point is no line."""
    assert charts_of(source(samples(1))) == ()


def test_a_policy_this_version_does_not_know_costs_the_limits_alone() -> None:
    """What was measured is drawn all the same."""
    unknown = ChartSource(execution_id=7, scenario="load_reality", samples=samples(), measured={}, policy=None)

    assert [shown.chart.key for shown in charts_of(unknown)] == [
        f"chart-{name}-7" for name in ("latency", "throughput", "memory", "files")
    ]


def test_the_table_has_few_rows_and_always_the_last_moment() -> None:
    """Half an hour is thirty rows, not six hundred."""
    shown = charts_of(source(samples(600, every_ms=3000)))[0]

    assert len(shown.table.rows) == 30
    assert shown.table.rows[-1][0] == "30\u202fmin"
    assert shown.table.headings[0] == "Time"


def test_what_stands_in_a_row_of_the_table_is_no_mark_up() -> None:
    """Rows are written without a template, and escaped all the same."""
    table = Table(headings=("Kill", "ms"), rows=(("<b>", "1 & 2", "3"),))

    assert table.body == (
        '<tr><th scope="row">&lt;b&gt;</th><td class="right num">1 &amp; 2</td><td class="right num">3</td></tr>'
    )


def test_figures_and_words_are_those_of_the_readers_language() -> None:
    """A German reads 2,1 and not 2.1."""
    with override("de"):
        shown = charts_of(source(samples()))[0]

    assert "2,1" in shown.table.rows[0]


@pytest.mark.parametrize(
    ("value", "german"),
    [
        (0.0, "0"),
        (2.10, "2,1"),
        (-1.25, "−1,25"),
        (999.96, "1.000"),
        (9999.6, "10.000"),
        (12_345.0, "12.340"),
        (-98_765.4, "−98.770"),
        (0.000_012_344, "0,00001234"),
    ],
)
def test_a_figure_has_at_most_four_digits_that_count(value: float, german: str) -> None:
    """Small and large ones are written out, never in exponents."""
    with override("de"):
        assert said(value) == german


@pytest.mark.parametrize(
    ("value", "german"),
    [(4.031, "4,03"), (0.06349, "0,0635"), (275.4, "275"), (999.6, "1.000"), (1289.6, "1.290"), (12_345.0, "12.345")],
)
def test_a_measured_time_has_at_most_three_digits_that_count(value: float, german: str) -> None:
    """Whole numbers keep all of theirs."""
    with override("de"):
        assert said_waiting(value) == german


def test_what_the_script_gets_is_what_was_drawn() -> None:
    """Same moments, same values, same ends of the scale."""
    shown = charts_of(source(samples()))[0]

    assert shown.plain is not None
    assert shown.plain["xs"] == [1, 2, 3, 4, 5, 6]
    assert [line["values"][0] for line in shown.plain["lines"]] == [0.8, 2.1, 4, 9]
    assert shown.plain["high"] == pytest.approx(1500)
