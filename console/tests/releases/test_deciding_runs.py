"""Which runs decide: the newest full ones in a row, and nobody can choose others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.deciding_runs import RunFact, Selection, select
from testruns.recommendation import Recommendation
from testruns.run_states import RunState

NOW = datetime(2026, 3, 10, tzinfo=UTC)
WEEK = timedelta(days=7)


def fact(run: int, **changes: Any) -> RunFact:
    """A green full run, one day old, with a seed of its own."""
    values: dict[str, Any] = {
        "run": run,
        "state": RunState.JUDGED,
        "recommendation": Recommendation.GO,
        "seed": run,
        "is_full": True,
        "has_active_policy": True,
        "requested_by": 1,
        "has_begun": True,
        "finished_at": NOW - timedelta(days=1),
    }
    return RunFact(**(values | changes))


def selected(*runs: RunFact, wanted: int = 2) -> Selection:
    return select(runs, wanted=wanted, days_max=7, oldest_at=NOW - WEEK)


RED = {"recommendation": Recommendation.NO_GO}
UNFINISHED: dict[str, Any] = {"state": RunState.UNFINISHED, "recommendation": Recommendation.INCOMPLETE}


def test_the_newest_two_full_runs_decide() -> None:
    """Newest first, however they are handed in."""
    selection = selected(fact(1), fact(3), fact(2))

    assert selection.deciding == (3, 2)
    assert selection.is_complete
    assert (selection.green_count, selection.full_count) == (3, 3)


def test_a_red_run_among_the_newest_decides_too() -> None:
    """Nobody picks the green ones around it."""
    assert selected(fact(1), fact(2, **RED), fact(3)).deciding == (3, 2)


def test_red_and_unfinished_full_runs_that_do_not_decide_are_to_be_answered() -> None:
    """The reviewer says something about each of them."""
    selection = selected(fact(1, **RED), fact(2, **UNFINISHED), fact(3), fact(4), fact(5, **UNFINISHED))

    assert selection.deciding == (4, 3)
    assert selection.to_answer == (5, 2, 1)
    assert (selection.green_count, selection.full_count) == (2, 5)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_full": False},
        {"has_active_policy": False},
        {"requested_by": None},
        {"state": RunState.UNFINISHED},
        {"state": RunState.CANCELLED, "recommendation": None},
        {"state": RunState.RUNNING, "recommendation": None, "finished_at": None},
        {"state": RunState.QUEUED, "recommendation": None, "finished_at": None},
    ],
    ids=["part", "other-policy", "nobody", "unfinished", "cancelled", "running", "queued"],
)
def test_what_never_decides(changes: dict[str, Any]) -> None:
    """Part of the suite, another policy, nobody behind it, or not judged to the end."""
    assert selected(fact(1), fact(2), fact(3, **changes)).deciding == (2, 1)


@pytest.mark.parametrize(
    ("changes", "is_answered"),
    [
        ({"is_full": False, **RED}, False),
        ({"has_active_policy": False, **RED}, True),
        ({"requested_by": None, **RED}, True),
        ({"state": RunState.CANCELLED, "recommendation": None}, True),
        ({"state": RunState.CANCELLED, "recommendation": None, "has_begun": False}, False),
        ({"state": RunState.RUNNING, "recommendation": None}, False),
        ({"state": RunState.JUDGED, "recommendation": Recommendation.CONDITIONAL, "has_active_policy": False}, True),
    ],
    ids=["part", "other-policy", "nobody", "cancelled", "cancelled-in-the-queue", "running", "conditional"],
)
def test_which_red_runs_are_to_be_answered(changes: dict[str, Any], is_answered: bool) -> None:
    """Full ones that began and came to an end; smoke, quick and parts are only listed."""
    assert (3 in selected(fact(1), fact(2), fact(3, **changes)).to_answer) is is_answered


@pytest.mark.parametrize(
    ("runs", "missing"),
    [
        ((), ["%(found)s of %(wanted)s"]),
        ((fact(1),), ["%(found)s of %(wanted)s"]),
        ((fact(1, seed=5), fact(2, seed=5)), ["the same seed"]),
        ((fact(1, finished_at=NOW - WEEK), fact(2)), ["older than"]),
        ((fact(1, finished_at=NOW - WEEK + timedelta(seconds=1)), fact(2)), []),
        ((fact(1, seed=5), fact(2, seed=5), fact(3)), []),
        ((fact(1), fact(2, seed=5), fact(3, seed=5)), ["the same seed"]),
    ],
    ids=["none", "one", "same-seed", "week-old", "almost-a-week", "older-same-seed", "newest-same-seed"],
)
def test_what_is_missing_is_said(runs: tuple[RunFact, ...], missing: list[str]) -> None:
    """Too few, too old, or the same operations twice."""
    selection = selected(*runs)

    assert len(selection.missing) == len(missing)
    assert all(part in text["template"] for text, part in zip(selection.missing, missing, strict=True))
    assert selection.is_complete is not bool(missing)


def test_the_policy_says_how_many_decide() -> None:
    """Three wanted: three are looked at, the red one among them."""
    assert selected(fact(1, **RED), fact(2), fact(3), wanted=3).deciding == (3, 2, 1)
