"""The bench: figures of this machine beside its floor. The tests ask for sense, not for speed."""

import sys
from pathlib import Path

import orjson
import pytest

from ledger.bench.endurance import growth
from ledger.bench.row import BenchRow, Verdict, is_short, json_of, limit_row, markdown_of, rate_row, text_of
from ledger.bench.stage import SHORT
from ledger.bench.table import PEER_ROWS, run_bench, run_endurance

# What the design asks for (its table of speeds), each by the name of the row that measures it.
ASKED = {
    "one thread": 0.85,
    "one thread, p50": 2,
    "one thread, p95": 5,
    "one thread, p99": 10,
    "one thread, p99.9": 100,
    "8 threads": 1.5,
    "32 threads": 2.5,
    "128 threads": 2.5,
    "2 processes x 16 threads": 2,
    "8 processes x 1 thread": 0.55,
    "commands of 100 events": 150_000,
    "commands of 1000 events": 200_000,
    "processor time per append": 12,
    "memory while writing": 1,
    "replay into all projections": 250_000,
    "memory growth while replaying": 1,
    "cold start": 0.6,
    "cold start, with snapshot": 0.1,
    "one event, p99": 1,
    "balance": 5,
    "range of 1000, p99": 100,
    "filter matching a tenth, p99": 500,
    "delivery to a subscriber, p50": 2,
    "delivery to a subscriber, p99": 20,
    "index of keys, disk per sealed key": 18,
    "index of keys, a new key": 5,
}


def test_every_figure_that_the_design_asks_for_is_measured(tmp_path: Path) -> None:
    """Each with its target, rates beside the floor of the same turns; nothing is left behind."""
    rows = list(run_bench(directory=tmp_path, sizes=SHORT))
    ours = {row.name: row.ours for row in rows if row.ours is not None}

    assert {row.name: row.target for row in rows} == ASKED
    assert len(ours) == len(rows)
    assert all(figure >= 0 for figure in ours.values())
    assert all(row.floor for row in rows if row.is_of_ratio)
    assert list(tmp_path.iterdir()) == []
    # Far below 1 MiB per 1000 events: this is a promise that holds on any machine.
    assert ours["memory while writing"] < 0.2


@pytest.mark.parametrize("name", PEER_ROWS)
def test_peers_are_measured_in_turns_with_us_or_said_to_be_missing(tmp_path: Path, name: str) -> None:
    """Each kind of work gives a ratio; a peer that is not installed gives one row without figures."""
    rows = list(run_bench(directory=tmp_path, rows=[name], sizes=SHORT))

    if rows[0].verdict is Verdict.ABSENT:
        pytest.skip(f"{name}: not installed")
    assert len(rows) == 4
    assert all(row.ratio is not None and row.ratio > 0 and row.target == 1 for row in rows)


def test_a_peer_that_is_not_installed_is_named_and_nothing_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours needs the library, so its absence is told and fails nothing."""
    monkeypatch.setitem(sys.modules, "eventsourcing.application", None)

    rows = list(run_bench(directory=tmp_path, rows=["beside eventsourcing, writing"], sizes=SHORT))

    assert text_of(rows).endswith("not installed")
    assert not is_short(rows)


def test_a_figure_is_short_when_it_misses_its_target_and_only_then() -> None:
    """A ratio, a rate and a cost, each just good enough and just not."""
    enough = rate_row("r", unit="/s", floor=100, ours=85, at_least=0.85)
    cheap = limit_row("c", unit="us", ours=12, at_most=12)
    fast = BenchRow(name="f", unit="/s", ours=200, floor=10, target=200)

    assert not is_short([enough, cheap, fast])
    for short in (
        rate_row("r", unit="/s", floor=100, ours=84, at_least=0.85),
        limit_row("c", unit="us", ours=12.1, at_most=12),
        BenchRow(name="f", unit="/s", ours=199, floor=10, target=200),
    ):
        assert short.verdict is Verdict.SHORT
        assert is_short([enough, short])


def test_the_same_rows_are_text_markdown_and_json() -> None:
    """The floor stands beside every figure, and so does the word."""
    rows = [rate_row("one thread", unit="commands/s", floor=10_000, ours=5_000, at_least=0.85)]

    assert text_of(rows).splitlines()[1].split() == [
        "one",
        "thread",
        "10,000",
        "5,000",
        "0.50",
        "0.85",
        "x",
        "commands/s",
        "short",
    ]
    assert markdown_of(rows).splitlines()[2] == "| one thread | 10,000 | 5,000 | 0.50 | 0.85 x | commands/s | short |"
    (read,) = orjson.loads(json_of(rows))
    assert (read["ratio"], read["verdict"], read["floor"]) == (0.5, "short", 10_000)


def test_an_unknown_row_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """A typing error must not look like a short bench."""
    with pytest.raises(KeyError):
        next(run_bench(directory=tmp_path, rows=["one thread", "nonsense"], sizes=SHORT))

    assert list(tmp_path.iterdir()) == []


def test_endurance_counts_what_was_answered_and_finds_all_of_it(tmp_path: Path) -> None:
    """The journal of many events first, each step in a process whose memory is watched; then the steady offer."""
    said: list[str] = []

    rows = {row.name: row for row in run_endurance(directory=tmp_path, minutes=0.02, say=said.append, sizes=SHORT)}

    steps = [f"20,000 events, 666 agents: {step}" for step in ("write", "check", "replay")]
    assert all(0 < (rows[step].ours or 0) < 300 for step in steps)
    assert (rows["0.02 min, most memory"].ours or 0) > 0  # of this very process, which holds all tests
    assert rows["0.02 min, lost"].ours == 0
    assert rows["0.02 min, latest answer"].floor is not None
    assert len(said) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_leak_shows_as_growth_and_the_coming_and_going_of_tables_does_not() -> None:
    """0.2 MiB a minute are found below a saw of 8 MiB; the warm-up of the first third does not count."""
    saw = [(second, (30 + second % 15 // 8 * 8) * 2**20) for second in range(1800)]
    warming = [(second, 2**20 * min(second, 500)) for second in range(1800)]
    leaking = [(second, size + second * 2**20 // 300) for second, size in saw]

    assert abs(growth(saw)) < 0.01
    assert growth(warming) == 0
    assert growth(leaking) == pytest.approx(0.2, abs=0.03)
