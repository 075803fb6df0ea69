"""What a scenario is given, and how it reports."""

from __future__ import annotations

import random
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from testruns.load import Histogram, SparseCounts
from testruns.sampling import Opened, Sample, Sampler
from testruns.scenarios.stage.audit import AccountDrift
from testruns.scenarios.stage.registry import Scenario

Emit = Callable[[dict[str, Any]], None]

PRODUCT_OPENER: Final = "testruns.scenarios.stage.opening:open_ledger"
ACCOUNTS_TOLD_MAX: Final = 120
"""A hundred agents, the system's accounts, and some."""
_SHORT_SECONDS: Final = 10
_SHORT_INTERVAL_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a sample said about memory and descriptors; `at_ns` is on the monotonic clock."""

    at_ns: int
    rss_anon_bytes: int
    open_files: int


class Reporter:
    """Turns what a scenario counts into the messages of the child protocol. Thread-safe.

    Counters are totals since the start; the percentiles of a sample are those of the operations since the sample
    before.
    """

    def __init__(self, *, scenario: Scenario, emit: Emit) -> None:
        """`emit` is called with one JSON-able message at a time, never from two threads at once."""
        self._scenario = scenario
        self._emit = emit
        self._lock = threading.Lock()
        self._measured: set[str] = set()
        self._recent = Histogram()
        self._readings = array("Q")
        self.latencies = Histogram()
        self.operations = self.refused = self.errors = 0
        self._offer: tuple[int, int, int] | None = None

    def hello(self, *, pid: int, python: str) -> None:
        """The first message."""
        with self._lock:
            self._emit({"type": "hello", "pid": pid, "scenario": self._scenario.code, "python": python})

    def done(self, *, journal: dict[str, Any], opened: dict[str, list[str]]) -> None:
        """The last message: everything was measured."""
        with self._lock:
            self._emit({"type": "done", "journal": journal, "opened": opened})

    def progress(self, *, fraction: float, text: str) -> None:
        """Say how far the scenario is (0 to 1) and with what; `text` is a translatable sentence without values."""
        with self._lock:
            self._emit({"type": "progress", "ppm": int(min(max(fraction, 0.0), 1.0) * 1_000_000), "text": text})

    def measure(self, name: str, value: int | Decimal) -> None:
        """Report a measurement in the unit it was declared with.

        Raises KeyError when undeclared, ValueError when repeated.
        """
        spec = self._scenario.spec_of(name)
        with self._lock:
            if name in self._measured:
                raise ValueError(f"{name} was measured already")
            self._measured.add(name)
            shown = str(value) if isinstance(value, Decimal) else int(value)
            self._emit({"type": "measurement", "name": name, "value": shown, "unit": spec.unit})

    def tell_accounts(self, drifts: Sequence[AccountDrift]) -> None:
        """Report the drift of all accounts together, and of the first ACCOUNTS_TOLD_MAX of `drifts` by name."""
        self.measure("drift_micros_max", max((each.drift_micros for each in drifts), default=0))
        self.measure("accounts_checked", len(drifts))
        self.measure("accounts_with_drift", sum(each.drift_micros > 0 for each in drifts))
        with self._lock:
            for each in drifts[:ACCOUNTS_TOLD_MAX]:
                self._emit({"type": "account", **each._asdict()})

    def offer_steadily(self, *, rate: int, count: int) -> None:
        """From now on `rate` operations a second are offered, `count` in all, whether or not they are answered."""
        self._offer = (time.monotonic_ns(), rate, count)

    @property
    def offered(self) -> int:
        """Operations offered so far; in a closed loop those that were answered."""
        if self._offer is None:
            return self.operations
        since_ns, rate, count = self._offer
        return min(count, (time.monotonic_ns() - since_ns) * rate // 1_000_000_000)

    def count(self, *, operations: int = 0, refused: int = 0, errors: int = 0) -> None:
        """Add to the totals."""
        with self._lock:
            self.operations += operations
            self.refused += refused
            self.errors += errors

    def add_latencies(self, counts: SparseCounts, *, max_us: int) -> None:
        """Add latencies that a host process counted."""
        with self._lock:
            self._recent.merge_sparse(counts, max_us=max_us)
            self.latencies.merge_sparse(counts, max_us=max_us)

    def take_sample(self, sample: Sample) -> None:
        """Emit a sample of the machine together with the counters as they stand."""
        with self._lock:
            self._readings.extend((sample.at_ns, sample.tree.rss_anon_bytes, sample.tree.open_files))
            self._emit(
                {
                    "type": "sample",
                    "elapsed_ms": sample.elapsed_ms,
                    "operations": self.operations,
                    "refused": self.refused,
                    "errors": self.errors,
                    "offered": self.offered,
                    "p50_us": self._recent.percentile_us(500_000),
                    "p95_us": self._recent.percentile_us(950_000),
                    "p99_us": self._recent.percentile_us(990_000),
                    "p999_us": self._recent.percentile_us(999_000),
                    "max_us": self._recent.max_us,
                    "rss_anon_bytes": sample.tree.rss_anon_bytes,
                    "open_files": sample.tree.open_files,
                    "sockets": sample.tree.sockets,
                    "steal_ppm": sample.noise.steal_ppm,
                    "foreign_load_ppm": sample.noise.foreign_load_ppm,
                }
            )
            self._recent.clear()

    def readings(self, *, since_ns: int, until_ns: int) -> Iterator[Reading]:
        """Memory and descriptors by every sample taken between two moments of the monotonic clock."""
        for position in range(0, len(self._readings), 3):
            at_ns, rss, files = self._readings[position : position + 3]
            if since_ns <= at_ns <= until_ns:
                yield Reading(at_ns=at_ns, rss_anon_bytes=rss, open_files=files)


@dataclass(kw_only=True)
class ScenarioContext:
    """The plan of one execution, its new empty directory, and its reporter.

    `opener` names the callable that opens the ledger under test ("module:name"). The runner has no way to set it: the
    product's own is what runs judge, tests name a ledger with a planted fault.
    """

    run: int
    scenario: Scenario
    concurrency: int
    directory: Path
    seed: int
    duration_seconds: int
    warmup_seconds: int
    retry_injection: bool
    karma_available: bool
    anomaly_injection: bool
    offered_rate: int
    report: Reporter
    opener: str = PRODUCT_OPENER
    opened: Opened | None = None

    @property
    def journal(self) -> Path:
        """Directory of the journal under test."""
        return self.directory / "journal"

    @property
    def actor(self) -> str:
        """The actor of every command of this execution (decisions.md, Names)."""
        return f"run:{self.run}:{self.scenario.code}"

    def random(self, *parts: object) -> random.Random:
        """A source of randomness of its own for each set of `parts`.

        The same seed gives the same numbers everywhere.
        """
        return seeded(self.seed, self.scenario.code, *parts)

    @contextmanager
    def load(self) -> Iterator[None]:
        """Watch tree and machine while the body puts load on the ledger, then report the measurements of the load.

        The hosts should still be alive when the body ends: the last look at what they have open comes then.
        """
        report = self.report
        sampler = Sampler(directory=self.directory, interval_seconds=self._interval_seconds, take=report.take_sample)
        self.opened = sampler.opened
        started_ns = time.monotonic_ns()
        sampler.start()
        try:
            yield
        finally:
            ended_ns = time.monotonic_ns()
            noise = sampler.stop()
        load_ns = max(1, ended_ns - started_ns)
        accepted = report.operations - report.refused - report.errors
        report.measure("load_ms", load_ns // 1_000_000)
        report.measure("operations", report.operations)
        report.measure("refused", report.refused)
        report.measure("errors", report.errors)
        report.measure("operations_per_second", report.operations * 1_000_000_000 // load_ns)
        report.measure("accepted_per_second", accepted * 1_000_000_000 // load_ns)
        report.measure("refused_per_second", report.refused * 1_000_000_000 // load_ns)
        if report.latencies.count:
            for name, share_ppm in (("p50", 500_000), ("p95", 950_000), ("p99", 990_000), ("p999", 999_000)):
                report.measure(f"{name}_us", report.latencies.percentile_us(share_ppm))
            report.measure("max_us", report.latencies.max_us)
        report.measure("steal_ppm", noise.steal_ppm)
        report.measure("foreign_load_ppm", noise.foreign_load_ppm)

    @property
    def _interval_seconds(self) -> float:
        """1 Hz, and faster in runs so short that 1 Hz would see nothing."""
        return _SHORT_INTERVAL_SECONDS if self.duration_seconds < _SHORT_SECONDS else 1.0


def seeded(*parts: object) -> random.Random:
    """Randomness determined by `parts` alone, equal in every process and Python version that seeds from text."""
    return random.Random(":".join(str(part) for part in parts))
