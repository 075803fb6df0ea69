"""The rule of degradation as tables: which measurement is how bad, and which state follows."""

from __future__ import annotations

from itertools import product

import pytest

from ledger.degradation.states import (
    SIGNALS,
    TRANSITIONS,
    Cause,
    Counts,
    Finding,
    Level,
    Signal,
    State,
    findings_of_backlog,
    findings_of_disk,
    findings_of_memory,
    findings_of_writes,
    signal_of,
)

TABLE = """
            calm       warning    critical   released
normal      normal     degraded   read_only  -
degraded    normal     degraded   read_only  -
read_only   read_only  read_only  read_only  normal
"""
_HEADER, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
WRITTEN = {
    (state, signal): after for state, *row in _ROWS for signal, after in zip(_HEADER, row, strict=True) if after != "-"
}


def test_the_table_is_as_written_here() -> None:
    """Read-only is left by a person alone; degraded ends by itself."""
    assert {(state.value, signal.value): after.value for (state, signal), after in TRANSITIONS.items()} == WRITTEN


@pytest.mark.parametrize(("state", "signal"), list(product(State, [Signal.CALM, Signal.WARNING, Signal.CRITICAL])))
def test_every_state_has_an_answer_to_every_measurement(state: State, signal: Signal) -> None:
    """Nothing that is measured can find the table empty."""
    assert (state, signal) in TRANSITIONS


def test_a_full_disk_never_stops_writes() -> None:
    """It degrades, like memory and backlog; the journal itself blocks writes and goes on. All else critical stops."""
    stopping = {cause for (cause, level), signal in SIGNALS.items() if signal is Signal.CRITICAL}

    assert stopping == {Cause.LATENCY, Cause.ERRORS, Cause.DAMAGE}
    for cause in (Cause.DISK, Cause.MEMORY, Cause.BACKLOG):
        assert SIGNALS[cause, Level.CRITICAL] is SIGNALS[cause, Level.WARNING] is Signal.WARNING


@pytest.mark.parametrize(
    ("counts", "latency", "errors"),
    [
        (Counts(), None, None),
        (Counts(writes=1000, slow=10), None, None),
        (Counts(writes=1000, slow=11), "warning", None),
        (Counts(writes=1000, slow=500, very_slow=10), "warning", None),
        (Counts(writes=1000, slow=11, very_slow=11), "critical", None),
        (Counts(writes=2, slow=2, very_slow=2), None, None),
        (Counts(writes=3, slow=3, very_slow=3), "critical", None),
        (Counts(writes=1, slow=1, very_slow=1, stuck=1), "critical", None),
        (Counts(stuck=1), "critical", None),
        (Counts(writes=1000, failed=10), None, None),
        (Counts(writes=1000, failed=11), None, "warning"),
        (Counts(writes=1000, failed=50), None, "warning"),
        (Counts(writes=1000, failed=51), None, "critical"),
        (Counts(writes=2, failed=2), None, None),
        (Counts(writes=3, failed=3), None, "critical"),
    ],
)
def test_writes_are_judged_by_their_p99_and_by_the_share_that_failed(
    counts: Counts, latency: str | None, errors: str | None
) -> None:
    """Past 100 ms and 1 s, 1 and 5 percent; three at least, but one that takes ten seconds is enough."""
    found = {one.cause: one.level for one in findings_of_writes(counts)}

    assert (found.get(Cause.LATENCY), found.get(Cause.ERRORS)) == (latency, errors)


@pytest.mark.parametrize(
    ("free", "level"), [(11, None), (10, "warning"), (6, "warning"), (5, "critical"), (0, "critical")]
)
def test_a_disk_is_judged_by_what_is_used(free: int, level: str | None) -> None:
    """From 90 and from 95 percent."""
    found = findings_of_disk(size_bytes=100, free_bytes=free)

    assert [one.level.value for one in found] == ([level] if level else [])


@pytest.mark.parametrize(
    ("available", "level"), [(11, None), (10, "warning"), (6, "warning"), (5, "critical"), (0, "critical")]
)
def test_memory_is_judged_by_what_is_used(available: int, level: str | None) -> None:
    """From 90 and from 95 percent of the machine's."""
    found = findings_of_memory(size_bytes=100, available_bytes=available)

    assert [(one.cause, one.level.value) for one in found] == ([(Cause.MEMORY, level)] if level else [])


@pytest.mark.parametrize(
    ("events", "level"), [(0, None), (1000, None), (1001, "warning"), (10_000, "warning"), (10_001, "critical")]
)
def test_a_backlog_is_judged_by_its_events(events: int, level: str | None) -> None:
    """Past 1,000 and past 10,000."""
    found = findings_of_backlog(events)

    assert [(one.cause, one.level.value) for one in found] == ([(Cause.BACKLOG, level)] if level else [])


def test_the_worst_measurement_counts() -> None:
    """Nothing measured is calm."""
    disk = Finding(cause=Cause.DISK, level=Level.CRITICAL, count=96, total=100)
    errors = Finding(cause=Cause.ERRORS, level=Level.CRITICAL, count=3, total=3)

    assert [signal_of(found) for found in ([], [disk], [disk, errors])] == ["calm", "warning", "critical"]
