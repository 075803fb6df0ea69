"""Points for the charts: bounded, in order, with every peak."""

from __future__ import annotations

import pytest

from testruns.actions.limits import SAMPLE_POINTS_MAX
from testruns.actions.sample_points import SamplePoints


@pytest.mark.parametrize("count", [1, 599, 600, 601, 1199, 1200, 1201, 2400, 2401, 14_400])
def test_any_length_of_run_gives_at_most_600_points_with_the_peak_and_the_end(count: int) -> None:
    """A single slow second in four hours is still seen, and the last point is the end."""
    samples = [{"elapsed_ms": second * 1000, "operations": second * 7, "p95_us": 100} for second in range(count)]
    samples[count // 3]["p95_us"] = 9_999
    points = SamplePoints()

    points.take(samples)

    assert len(points.points) <= SAMPLE_POINTS_MAX
    assert max(point["p95_us"] for point in points.points) == 9_999
    assert points.points[-1]["elapsed_ms"] == (count - 1) * 1000
    assert points.points[-1]["operations"] == (count - 1) * 7


def test_taking_bit_by_bit_gives_the_same_points_as_taking_at_once() -> None:
    """The row of a running execution and the row of a finished one do not disagree."""
    samples = [{"elapsed_ms": second * 1000} for second in range(1500)]
    at_once, bit_by_bit = SamplePoints(), SamplePoints()

    at_once.take(samples)
    for end in range(0, 1501, 13):
        bit_by_bit.take(samples[:end])
    bit_by_bit.take(samples)

    assert bit_by_bit.points == at_once.points
