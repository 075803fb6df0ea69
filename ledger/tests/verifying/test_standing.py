"""Where a verification stands: one at a time however many begin, and nothing is believed that has no end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger.verifying.reading import Outcome
from ledger.verifying.standing import Place, Progress, State

AT = "2026-11-21T12:00:00+00:00"
SOUND = Outcome(began_at=AT, events=7, head_seq=8, head_hash="ab" * 32, segments=1)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Of a journal that nobody has verified."""
    (tmp_path / "verifications").mkdir()
    return Place(tmp_path / "verifications" / "credits")


def begin(place: Place, *, records_for: int | None = None) -> int | None:
    """As somebody at the console."""
    return place.begin(at=AT, by="Ada", records_for=records_for)


def test_looking_at_a_journal_that_was_never_verified_makes_nothing(place: Place, tmp_path: Path) -> None:
    """Not even a directory."""
    assert place.standing().state is State.NEVER
    assert list((tmp_path / "verifications").iterdir()) == []


def test_it_runs_with_its_progress_and_is_done_when_the_lock_is_given_back(place: Place) -> None:
    """The outcome that was kept is the one that is shown."""
    descriptor = begin(place)
    assert descriptor is not None
    place.tell(Progress(step=2, done_bytes=50, total_bytes=100))
    running = place.standing()
    place.end(SOUND, is_on_record=True)
    is_still_running = place.standing().is_running
    os.close(descriptor)
    done = place.standing()

    assert (running.state, running.progress.percent, is_still_running) == (State.RUNNING, 75, True)
    assert (done.state, done.outcome, done.is_on_record) == (State.DONE, SOUND, True)


def test_of_many_who_begin_at_once_one_begins(place: Place) -> None:
    """The others look on."""
    gate, begun = threading.Barrier(8), list[int | None]()

    def press() -> None:
        gate.wait()
        begun.append(begin(place))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    held = [one for one in begun if one is not None]
    assert (len(begun), len(held)) == (8, 1)
    os.close(held[0])


def test_what_a_killed_process_began_is_interrupted_and_can_be_begun_again(place: Place) -> None:
    """The kernel gives the lock back; how far it got is kept."""
    descriptor = begin(place)
    assert descriptor is not None
    place.tell(Progress(step=1, done_bytes=30, total_bytes=100))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    os.close(descriptor)
    while_it_lives = place.standing().state
    child.send_signal(signal.SIGKILL)
    child.communicate()
    after = place.standing()
    again = begin(place)

    assert (while_it_lives, after.state, after.progress.percent) == (State.RUNNING, State.INTERRUPTED, 15)
    assert again is not None
    assert place.standing().progress.percent == 0
    os.close(again)


def test_the_outcome_before_is_gone_when_the_next_one_begins(place: Place) -> None:
    """What was found once is not shown for what is read now."""
    first = begin(place)
    assert first is not None
    place.end(SOUND, is_on_record=True)
    os.close(first)
    second = begin(place)
    assert second is not None
    os.close(second)

    assert place.standing().state is State.INTERRUPTED


def test_it_goes_on_record_for_the_first_who_may_and_for_nobody_who_comes_too_late(place: Place) -> None:
    """Somebody who only reads keeps no release waiting."""
    descriptor = begin(place)
    joined = [begin(place, records_for=person) for person in (7, 8)]
    person = place.close()
    begin(place, records_for=9)

    assert (joined, person, place.close()) == ([None, None], 7, 7)
    assert descriptor is not None
    os.close(descriptor)


def test_nobody_is_put_on_record_behind_the_end_of_the_reading(place: Place) -> None:
    """The row would say more than was asked for."""
    descriptor = begin(place)
    first = place.close()
    begin(place, records_for=9)

    assert (first, place.close()) == (None, None)
    assert descriptor is not None
    os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "state"), [("begun", State.NEVER), ("ended", State.INTERRUPTED), ("progress", State.DONE)]
)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"strange": 1}', b"\xff"])
def test_a_damaged_file_is_as_good_as_a_missing_one(
    place: Place, tmp_path: Path, name: str, content: bytes, state: State
) -> None:
    """Nobody reads "sound" out of half a file."""
    descriptor = begin(place)
    assert descriptor is not None
    place.end(SOUND, is_on_record=False)
    os.close(descriptor)
    (tmp_path / "verifications" / "credits" / name).write_bytes(content)

    assert place.standing().state is state
