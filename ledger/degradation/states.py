"""The rule: which measurements degrade a journal, which stop its writes, and how each state is left.

Thresholds: warning and critical levels of write latency (p99), of failed writes, of disk, memory and backlog. Only what
says that a write may be lost or hang stops writes: latency, errors, damage; that is left only by a person. A full disk
blocks writes in the journal itself above its write-block mark, and goes on by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ledger.engine.limits import FULL_PERCENT, RESUME_PERCENT

LATENCY_WARNING_MICROS, LATENCY_CRITICAL_MICROS = 100_000, 1_000_000
ERROR_SHARE_WARNING_PERCENT, ERROR_SHARE_CRITICAL_PERCENT = 1, 5
DISK_WARNING_PERCENT, DISK_CRITICAL_PERCENT = RESUME_PERCENT, FULL_PERCENT

MEMORY_WARNING_PERCENT, MEMORY_CRITICAL_PERCENT = 90, 95
BACKLOG_WARNING, BACKLOG_CRITICAL = 1_000, 10_000
"""Events that a running subscriber of the journal has not got yet."""

SLOW_SHARE_PERCENT = 1
"""A p99 is past a threshold when more than this share of the writes is."""

COUNT_MIN = 3
"""So many writes say something; one slow write of an idle evening does not."""

STUCK_MICROS = 10_000_000
"""One write that takes this long says enough, also while it is still under way."""


class State(StrEnum):
    """How the journal stands; the value is what is stored and told."""

    NORMAL = "normal"
    DEGRADED = "degraded"
    READ_ONLY = "read_only"


class Level(StrEnum):
    """How bad one measurement is."""

    CALM = "calm"
    WARNING = "warning"
    CRITICAL = "critical"


class Cause(StrEnum):
    """What was measured. `DAMAGE` is a journal that is corrupt: critical until all of it was read and found sound."""

    LATENCY = "latency"
    ERRORS = "errors"
    DISK = "disk"
    MEMORY = "memory"
    BACKLOG = "backlog"
    DAMAGE = "damage"


class Signal(StrEnum):
    """What moves the state: the worst of all measurements, or a person who says that it may be written again."""

    CALM = "calm"
    WARNING = "warning"
    CRITICAL = "critical"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The writes of the last while. `slow` took longer than the warning threshold, `very_slow` than the critical one.

    `stuck` took, or take by now, so long that one is enough. `slowest_micros` is the longest, `failed` raised.
    """

    writes: int = 0
    slow: int = 0
    very_slow: int = 0
    stuck: int = 0
    failed: int = 0
    slowest_micros: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One measurement that is not calm: how bad, and the numbers behind it.

    `count` of `total` writes, percent of disk or memory, or events of a backlog.
    `worst_micros` is the slowest write, 0 where that says nothing.
    """

    cause: Cause
    level: Level
    count: int
    total: int
    worst_micros: int = 0


SIGNALS: Mapping[tuple[Cause, Level], Signal] = MappingProxyType(
    {
        (Cause.LATENCY, Level.WARNING): Signal.WARNING,
        (Cause.LATENCY, Level.CRITICAL): Signal.CRITICAL,
        (Cause.ERRORS, Level.WARNING): Signal.WARNING,
        (Cause.ERRORS, Level.CRITICAL): Signal.CRITICAL,
        (Cause.DISK, Level.WARNING): Signal.WARNING,
        (Cause.DISK, Level.CRITICAL): Signal.WARNING,
        (Cause.MEMORY, Level.WARNING): Signal.WARNING,
        (Cause.MEMORY, Level.CRITICAL): Signal.WARNING,
        (Cause.BACKLOG, Level.WARNING): Signal.WARNING,
        (Cause.BACKLOG, Level.CRITICAL): Signal.WARNING,
        (Cause.DAMAGE, Level.WARNING): Signal.WARNING,
        (Cause.DAMAGE, Level.CRITICAL): Signal.CRITICAL,
    }
)
SEEN_BY_ALL = frozenset({Cause.DISK, Cause.MEMORY, Cause.BACKLOG})
"""What every process can measure for itself."""

TRANSITIONS: Mapping[tuple[State, Signal], State] = MappingProxyType(
    {
        (State.NORMAL, Signal.CALM): State.NORMAL,
        (State.NORMAL, Signal.WARNING): State.DEGRADED,
        (State.NORMAL, Signal.CRITICAL): State.READ_ONLY,
        (State.DEGRADED, Signal.CALM): State.NORMAL,
        (State.DEGRADED, Signal.WARNING): State.DEGRADED,
        (State.DEGRADED, Signal.CRITICAL): State.READ_ONLY,
        (State.READ_ONLY, Signal.CALM): State.READ_ONLY,
        (State.READ_ONLY, Signal.WARNING): State.READ_ONLY,
        (State.READ_ONLY, Signal.CRITICAL): State.READ_ONLY,
        (State.READ_ONLY, Signal.RELEASED): State.NORMAL,
    }
)
_ORDER = (Signal.CALM, Signal.WARNING, Signal.CRITICAL)


def signal_of(findings: Iterable[Finding]) -> Signal:
    """The worst of them."""
    return max((SIGNALS[one.cause, one.level] for one in findings), key=_ORDER.index, default=Signal.CALM)


def findings_of_writes(counts: Counts) -> list[Finding]:
    """What the writes say about latency and errors."""
    found = []
    if level := _level(
        is_critical=counts.stuck > 0 or _is_past(counts.very_slow, counts.writes, SLOW_SHARE_PERCENT),
        is_warning=_is_past(counts.slow, counts.writes, SLOW_SHARE_PERCENT),
    ):
        slow = counts.slow if level is Level.WARNING else max(counts.very_slow, counts.stuck)
        found.append(
            Finding(
                cause=Cause.LATENCY,
                level=level,
                count=slow,
                total=max(counts.writes, slow),
                worst_micros=counts.slowest_micros,
            )
        )
    if level := _level(
        is_critical=_is_past(counts.failed, counts.writes, ERROR_SHARE_CRITICAL_PERCENT),
        is_warning=_is_past(counts.failed, counts.writes, ERROR_SHARE_WARNING_PERCENT),
    ):
        found.append(Finding(cause=Cause.ERRORS, level=level, count=counts.failed, total=counts.writes))
    return found


def findings_of_disk(*, size_bytes: int, free_bytes: int) -> list[Finding]:
    """What the disk's fill says; `count` is the percentage in use."""
    used = 100 - free_bytes * 100 // size_bytes
    level = _level(is_critical=used >= DISK_CRITICAL_PERCENT, is_warning=used >= DISK_WARNING_PERCENT)
    return [Finding(cause=Cause.DISK, level=level, count=used, total=100)] if level else []


def findings_of_memory(*, size_bytes: int, available_bytes: int) -> list[Finding]:
    """What the memory of the machine says; `count` is the percentage in use."""
    used = 100 - available_bytes * 100 // size_bytes
    level = _level(is_critical=used >= MEMORY_CRITICAL_PERCENT, is_warning=used >= MEMORY_WARNING_PERCENT)
    return [Finding(cause=Cause.MEMORY, level=level, count=used, total=100)] if level else []


def findings_of_backlog(event_count: int) -> list[Finding]:
    """What those who follow say by how far they are behind; `count` are the events."""
    level = _level(is_critical=event_count > BACKLOG_CRITICAL, is_warning=event_count > BACKLOG_WARNING)
    return [Finding(cause=Cause.BACKLOG, level=level, count=event_count, total=event_count)] if level else []


def _is_past(count: int, total: int, percent: int) -> bool:
    return count >= COUNT_MIN and count * 100 > total * percent


def _level(*, is_critical: bool, is_warning: bool) -> Level | None:
    return Level.CRITICAL if is_critical else Level.WARNING if is_warning else None
