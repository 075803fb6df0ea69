"""Memory that runs out and a subscriber that falls behind: both degrade the journal, and end by themselves."""

from __future__ import annotations

from pathlib import Path

import psutil

from ledger.degradation import Cause, State, Watch, memory_of_machine
from ledger.subscriptions import backlog
from ledger.tests.engine.counting import event, record
from ledger.tests.subscriptions.conftest import Post, exhaust, post

__all__ = ["post"]


def test_the_memory_is_that_of_the_machine() -> None:
    """The same account that psutil reads; what is available changes between two looks, not by half."""
    size, available = memory_of_machine()

    assert size == psutil.virtual_memory().total
    assert abs(available - psutil.virtual_memory().available) < size // 2


def test_a_machine_short_of_memory_degrades_until_there_is_some_again(tmp_path: Path) -> None:
    """Orders are taken throughout, and nothing is written beside the journal: everybody sees it."""
    left = [4]
    watch = Watch(path=tmp_path, memory=lambda: (100, left[0]))

    found = watch.standing()
    watch.require_writable()
    left[0] = 50

    assert (found.state, [(one.cause, one.count) for one in found.findings]) == (State.DEGRADED, [(Cause.MEMORY, 96)])
    assert watch.standing().state is State.NORMAL
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_measured_says_nothing(tmp_path: Path) -> None:
    """A machine without such an account is not short of memory."""

    def nowhere() -> tuple[int, int]:
        raise ValueError("no account")

    assert Watch(path=tmp_path, memory=nowhere).standing().state is State.NORMAL


def fall_behind(post: Post, key: str) -> None:
    """More than a thousand events at once."""
    record(post.journal, key, *[event(f"agent:{number}") for number in range(1000)])
    post.record("ann", "bob")


def test_a_running_subscriber_that_falls_behind_degrades_until_it_has_caught_up(post: Post) -> None:
    """Past a thousand events; one that is stopped is no backlog, `ledger subscriptions` shows it."""
    watch = Watch(path=post.path, backlog=lambda: backlog(path=post.path, above=1000))
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        assert watch.standing().state is State.NORMAL
        fall_behind(post, "first")

        behind = watch.standing()
        exhaust(subscriber)
        caught_up = watch.standing()

    fall_behind(post, "second")
    assert (behind.state, behind.findings[0].cause) == (State.DEGRADED, Cause.BACKLOG)
    assert behind.findings[0].count > 1000
    assert caught_up.state is State.NORMAL
    assert watch.standing().state is State.NORMAL


def test_nobody_who_follows_is_no_backlog(tmp_path: Path) -> None:
    """Also before there is a journal."""
    assert backlog(path=tmp_path / "credits", above=0) == 0
