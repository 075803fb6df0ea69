"""Load and latencies: nothing is lost in the histogram, and a stall is felt by everybody who waited."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.tests.waiting import PATIENT_SECONDS
from testruns.load import LATENCY_US_MAX, Histogram, closed_loop, open_loop

LATENCIES = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=200)


@given(latencies=LATENCIES, share=st.sampled_from([1, 500_000, 950_000, 999_000, 1_000_000]))
def test_a_percentile_is_at_most_a_64th_too_high_and_never_too_low(latencies: list[int], share: int) -> None:
    """Compared with the exact one from the sorted list."""
    histogram = Histogram()
    for latency in latencies:
        histogram.add(latency)

    exact = sorted(latencies)[max(0, -(-len(latencies) * share // 1_000_000) - 1)]
    assert exact <= histogram.percentile_us(share) <= exact + exact // 64 + 1


@given(first=LATENCIES, second=LATENCIES)
def test_histograms_can_be_added_over_a_pipe(first: list[int], second: list[int]) -> None:
    """It gives what counting everything in one place gives."""
    whole, sent = Histogram(), Histogram()
    for part in (first, second):
        one = Histogram()
        for latency in part:
            whole.add(latency)
            one.add(latency)
        sent.merge_sparse(one.sparse(), max_us=one.max_us)

    assert (sent.sparse(), sent.count, sent.max_us) == (whole.sparse(), whole.count, whole.max_us)


def test_an_empty_histogram_says_zero() -> None:
    """And one that was cleared is empty again."""
    histogram = Histogram()
    histogram.add(77)
    histogram.clear()

    assert (histogram.percentile_us(500_000), histogram.count, histogram.max_us) == (0, 0, 0)


def test_latencies_beyond_all_measure_are_kept_at_the_edges() -> None:
    """A clock that went back counts as 0, an eternity as the largest latency there is."""
    histogram = Histogram()
    histogram.add(-5)
    histogram.add(10**15)

    assert histogram.percentile_us(1) == 0
    assert histogram.max_us == histogram.percentile_us(1_000_000) == LATENCY_US_MAX


def test_the_open_loop_offers_each_operation_once_to_its_worker_in_order() -> None:
    """The same plan gives each worker the same operations in the same order."""
    seen: dict[str, list[int]] = {}

    def operate(number: int, _intended_ns: int) -> None:
        seen.setdefault(threading.current_thread().name, []).append(number)

    count = open_loop(rate=1000, duration_seconds=0.1, worker_count=4, operate=operate)

    assert count == 100
    assert sorted(seen.values()) == [list(range(worker, 100, 4)) for worker in range(4)]


def test_a_stall_is_felt_by_every_operation_that_was_due_meanwhile() -> None:
    """One worker stalls for 200 ms at 100 operations/s: some twenty operations wait, not one."""
    latencies: list[float] = []
    stall = threading.Event()

    def operate(number: int, intended_ns: int) -> None:
        if number == 10:
            stall.wait(0.2)
        latencies.append((time.monotonic_ns() - intended_ns) / 1e6)

    open_loop(rate=100, duration_seconds=0.5, worker_count=1, operate=operate)

    assert sum(latency > 50 for latency in latencies) >= 14


def test_the_open_loop_lasts_as_long_as_it_was_asked_to() -> None:
    """Also when its operations take no time: a soak of 1800 s must not measure 1799."""
    started = time.monotonic()

    open_loop(rate=10, duration_seconds=0.25, worker_count=2, operate=lambda *_: None)

    assert time.monotonic() - started >= 0.25


def test_the_closed_loop_starts_all_workers_together() -> None:
    """Nobody begins before everybody is there."""
    together = threading.Barrier(5)
    arrived: list[int] = []

    def meet() -> None:
        arrived.append(together.wait(timeout=PATIENT_SECONDS))

    closed_loop(workers=[meet] * 5)

    assert sorted(arrived) == [0, 1, 2, 3, 4]


def test_what_a_worker_fails_with_is_raised_where_the_load_was_started() -> None:
    """Not swallowed by a thread."""

    def fail() -> None:
        raise LookupError("from a worker")

    with pytest.raises(LookupError, match="from a worker"):
        closed_loop(workers=[fail, lambda: None])
