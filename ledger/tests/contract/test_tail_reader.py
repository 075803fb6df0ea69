"""A reader that follows while a big command is slowly written: it sees nothing of it before all of it is durable."""

import threading
from collections.abc import Callable

import pytest

from console.tests.waiting import PATIENT_SECONDS
from ledger.engine import Journal
from ledger.engine.env import Env
from ledger.simulation import SimEnv
from ledger.tests.contract.places import Place, opened
from ledger.tests.engine.counting import command, event, record
from ledger.tests.engine.disk import FailingDisk

EVENTS = 300


class Slow:
    """A disk whose next sync of data waits until it is let go."""

    def __init__(self, place: Place) -> None:
        self.is_syncing = threading.Event()
        self.may_go_on = threading.Event()
        self.is_slow = False
        self.env: Env
        if place.disk is None:
            failing = FailingDisk()
            failing.plan["fdatasync"] = self._wait
            self.env = failing
        else:
            self.env = SimEnv(
                place.disk, meet=lambda call, name, content: self._wait() if call == "fdatasync" else None
            )

    def _wait(self) -> None:
        if self.is_slow:
            self.is_syncing.set()
            assert self.may_go_on.wait(timeout=PATIENT_SECONDS)


@pytest.fixture
def slow(place: Place) -> Slow:
    """The disk of the writer; readers of the same place have one of their own."""
    return Slow(place)


def while_syncing(slow: Slow, journal: Journal, look: Callable[[], None]) -> None:
    """Record a big command; ``look`` while it is written and not durable yet."""
    slow.is_slow = True
    writer = threading.Thread(
        target=lambda: journal.execute(command("big", [event(amount=1, note="x" * 2000)] * EVENTS)), daemon=True
    )
    writer.start()
    assert slow.is_syncing.wait(timeout=PATIENT_SECONDS)
    try:
        look()
    finally:
        slow.is_slow = False
        slow.may_go_on.set()
        writer.join(timeout=PATIENT_SECONDS)
    assert not writer.is_alive()


def test_a_tail_reader_sees_a_big_command_only_when_all_of_it_is_durable(place: Place, slow: Slow) -> None:
    """Neither a part of it nor all of it before; then every event, in order, without a gap."""
    journal = opened(place, env=slow.env, segment_bytes=64 * 1024)
    record(journal, "before")
    reader = opened(place, read_only=True)
    seen = [one.seq for one in reader.read()]

    while_syncing(slow, journal, lambda: seen.extend(one.seq for one in reader.read(after=seen[-1])))

    assert seen == [1, 2]
    seen += [one.seq for one in reader.read(after=seen[-1])]
    assert seen[:-1] == list(range(1, len(seen)))
    assert [one.key for one in reader.read(key="big")] == ["big"]
    assert sum(one.correlation == "mission:1" for one in reader.read()) == 1 + EVENTS
    reader.close()
    journal.close()


def test_a_reader_that_opens_meanwhile_is_not_told_of_it_and_sees_it_later(place: Place, slow: Slow) -> None:
    """Its first look ends at the mark, and the next one goes on behind it."""
    journal = opened(place, env=slow.env, segment_bytes=64 * 1024)
    record(journal, "before")
    readers: list[Journal] = []

    while_syncing(slow, journal, lambda: readers.append(opened(place, read_only=True)))

    (reader,) = readers
    assert reader.status.state == "read_only"
    assert reader.status.reason == ""
    assert len(list(reader.read())) == journal.head.seq
    reader.close()
    journal.close()


def test_a_query_of_another_process_does_not_wait_for_a_slow_writer(place: Place, slow: Slow) -> None:
    """It answers from what is durable, at once."""
    journal = opened(place, env=slow.env)
    record(journal, "before")
    other = opened(place)
    heads: list[int] = []

    while_syncing(slow, journal, lambda: heads.append(other.head.seq))

    assert heads == [2]
    assert other.head.seq == 2 + EVENTS
    other.close()
    journal.close()
