"""The bench: figures of this machine beside its floor. The tests ask for sense, not for speed."""

import sys
from pathlib import Path

import pytest

from ledger.bench import ROWS, main, run_bench, table
from ledger.tests.engine.counting import Counting

QUICK = ["one thread", "32 threads", "2 processes x 16 threads", "commands of 100 events", "CPU per append"]


def test_rates_come_with_the_floor_that_was_measured_in_turns_with_them(tmp_path: Path) -> None:
    """Each has floor, ours, ratio and target, and says whether it was reached."""
    rows = run_bench(directory=tmp_path, state_factory=Counting, rows=QUICK, seconds=0.3)

    assert [row.name for row in rows] == QUICK
    for row in rows[:4]:
        assert row.floor is not None
        assert row.floor > 0
        assert row.ours is not None
        assert row.ours > 0
        assert row.ratio == pytest.approx(row.ours / row.floor)
        assert row.target is not None
        judged = row.ratio if row.is_of_ratio else row.ours
        assert judged is not None
        assert row.is_reached == (judged >= row.target)
    assert rows[4].better == "lower"
    assert rows[4].ours is not None
    assert rows[4].is_reached == (rows[4].ours <= 12)
    assert list(tmp_path.iterdir()) == []


def test_memory_per_event_is_measured_over_seals_and_flat(tmp_path: Path) -> None:
    """Far below 1 MiB per 1000 events: this is the promise that holds on any machine."""
    (row,) = run_bench(directory=tmp_path, state_factory=_Sums, rows=["memory per 1000 events"])

    assert row.is_reached
    assert row.ours is not None
    assert row.ours < 0.2


class _Sums(Counting):
    """Without the list of applied events, which would grow."""

    def apply(self, event: object) -> None:
        """Nothing is kept."""


def test_an_unknown_row_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """A typing error must not look like a short bench."""
    with pytest.raises(KeyError):
        run_bench(directory=tmp_path, state_factory=Counting, rows=["nonsense"])


def test_the_command_prints_a_line_per_row_and_marks_what_is_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 only if every target was reached."""
    code = main([str(tmp_path), "--row", "one thread beside SQLite (WAL, FULL)", "--seconds", "0.2"])

    printed = capsys.readouterr().out
    assert printed.splitlines()[1].startswith("one thread beside SQLite")
    assert code == int("short" in printed)
    assert table(()).split() == ["floor", "ours", "ratio", "target", "unit"]
    assert len(ROWS) == 15


def test_a_peer_that_is_not_installed_is_named_and_nothing_is_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours needs the library, so its absence is told and fails nothing."""
    monkeypatch.setitem(sys.modules, "eventsourcing.application", None)

    code = main([str(tmp_path), "--row", "one thread beside eventsourcing", "--seconds", "0.2"])

    assert capsys.readouterr().out.splitlines()[1].endswith("not installed")
    assert code == 0
