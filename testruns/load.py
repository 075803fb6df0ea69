"""Load and its latencies: a closed loop, an open loop at a fixed rate, and a histogram of constant size.

Latency in the open loop runs from when an operation was *meant* to start. Measured from when it did start, a stall
would show in one operation only, although everybody behind it waited as well (coordinated omission).
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_SUB_BITS: Final = 6
_SUB_COUNT: Final = 1 << _SUB_BITS
_EXPONENT_MAX: Final = 30
LATENCY_US_MAX: Final = (1 << (_EXPONENT_MAX + _SUB_BITS)) - 1
"""Latencies above 19 hours are counted as this one."""
_BUCKET_COUNT: Final = (_EXPONENT_MAX + 1) * _SUB_COUNT

SparseCounts = list[list[int]]


class Histogram:
    """Counts of microseconds in log-linear buckets: exact below 128 us, within 1/64 above, 16 kB whatever it counted.

    Not locked: one writer, or the caller's lock.
    """

    __slots__ = ("_counts", "count", "max_us")

    def __init__(self) -> None:
        """An empty histogram."""
        self._counts = array("Q", bytes(8 * _BUCKET_COUNT))
        self.count = 0
        self.max_us = 0

    def add(self, latency_us: int, *, count: int = 1) -> None:
        """Count a latency in microseconds; below 0 (a clock that stood still) counts as 0."""
        latency_us = min(max(latency_us, 0), LATENCY_US_MAX)
        self._counts[_bucket_of(latency_us)] += count
        self.count += count
        self.max_us = max(self.max_us, latency_us)

    def percentile_us(self, share_ppm: int) -> int:
        """The latency that `share_ppm` millionths of all operations did not exceed.

        The bucket's upper end, 0 when empty.
        """
        if not self.count:
            return 0
        wanted = max(1, -(-self.count * share_ppm // 1_000_000))
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(_upper_end_of(bucket), self.max_us)
        raise AssertionError("the buckets hold fewer operations than were counted")

    def merge_sparse(self, counts: Iterable[Sequence[int]], *, max_us: int) -> None:
        """Add what another process sent by `sparse`."""
        for bucket, count in counts:
            self._counts[bucket] += count
            self.count += count
        self.max_us = max(self.max_us, max_us)

    def sparse(self) -> SparseCounts:
        """The buckets in use as [bucket, count], for a pipe."""
        return [[bucket, count] for bucket, count in enumerate(self._counts) if count]

    def clear(self) -> None:
        """Forget everything, keep the memory."""
        self._counts = array("Q", bytes(8 * _BUCKET_COUNT))
        self.count = 0
        self.max_us = 0


def _bucket_of(latency_us: int) -> int:
    exponent = max(0, latency_us.bit_length() - _SUB_BITS - 1)
    if not exponent:
        return latency_us
    return exponent * _SUB_COUNT + (latency_us >> exponent)


def _upper_end_of(bucket: int) -> int:
    if bucket < 2 * _SUB_COUNT:
        return bucket
    exponent = bucket // _SUB_COUNT - 1
    return ((bucket - exponent * _SUB_COUNT + 1) << exponent) - 1


Operate = Callable[[int, int], None]
"""Called with the number of the operation and the nanosecond at which it was meant to start."""


def closed_loop(*, workers: Sequence[Callable[[], None]]) -> None:
    """Run every worker to its end in a thread of its own, all starting together; each asks again as soon as it was
    answered.

    Raises the first exception a worker ended with, after all have ended.
    """
    start = threading.Barrier(len(workers))

    def begin_together(worker: Callable[[], None]) -> Callable[[], None]:
        def begin() -> None:
            start.wait()
            worker()

        return begin

    _run_threads([begin_together(worker) for worker in workers])


def open_loop(*, rate: int, duration_seconds: float, worker_count: int, operate: Operate) -> int:
    """Offer `rate` operations a second for `duration_seconds`, whether or not earlier ones were answered; return
    how many.

    Operation n belongs to worker n % worker_count and is meant to start n / rate seconds after the beginning, so
    the same plan gives each worker the same operations in the same order. A worker that is late does not skip: it
    starts the next one at once, and `operate` measures from the intended start. Returns not before the duration is
    over.
    """
    operation_count = int(rate * duration_seconds)
    start_ns = time.monotonic_ns() + 20_000_000
    interval_ns = 1_000_000_000 / rate

    def offer(worker: int) -> Callable[[], None]:
        def run() -> None:
            for number in range(worker, operation_count, worker_count):
                intended_ns = start_ns + int(number * interval_ns)
                sleep_until(intended_ns)
                operate(number, intended_ns)

        return run

    _run_threads([offer(worker) for worker in range(worker_count)])
    sleep_until(start_ns + int(duration_seconds * 1_000_000_000))
    return operation_count


def sleep_until(moment_ns: int) -> None:
    """Sleep to a moment of the monotonic clock; returns at once when it has passed."""
    while (left := moment_ns - time.monotonic_ns()) > 0:
        time.sleep(left / 1_000_000_000)


def _run_threads(bodies: Sequence[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the thread that waits
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
