"""Subscribers in processes of their own: killed again and again, and beside a disk that has not confirmed yet."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from ledger.engine import Event
from ledger.engine.env import OsEnv
from ledger.engine.errors import DurabilityUnknown
from ledger.subscriptions import Interest, Subscriber, events_after
from ledger.tests.engine.counting import event, opened, record

KILLS = 6


@contextmanager
def receiver(path: Path) -> Iterator[tuple[subprocess.Popen[str], Iterator[list[str]]]]:
    """A subscriber process; what it was given, line by line. Killed at the end."""
    command = [sys.executable, "-m", "ledger.tests.subscriptions.receiver", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, (line.split() for line in process.stdout)
        finally:
            process.kill()


def test_a_subscriber_that_is_killed_misses_nothing_and_keeps_the_order_of_every_stream(tmp_path: Path) -> None:
    """SIGKILL at random moments while another process writes: every event at least once, each first time in order."""
    path = tmp_path / "credits"
    journal = opened(path, segment_bytes=4096)
    record(journal, "first", event("agent:0"))
    chance, given = Random(7), list[list[str]]()
    is_over = threading.Event()

    def write() -> None:
        number = 0
        while not is_over.is_set():
            record(journal, f"k-{number}", event(f"agent:{number % 5}"))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _kill in range(KILLS):
            with receiver(path) as (process, lines):
                given += [next(lines) for _line in range(chance.randint(1, 60))]
                process.kill()
                given += lines  # what it was given until then, whose position it may have saved
    finally:
        is_over.set()
        writer.join()
    head = journal.head.seq
    with receiver(path) as (_, lines):
        given += iter(lambda: next(lines), [str(head), next(journal.read(after=head - 1)).stream])
    journal.close()

    firsts = dict.fromkeys(int(seq) for seq, _stream in given)
    by_stream = defaultdict(list)
    for seq in firsts:
        by_stream[next(one[1] for one in given if int(one[0]) == seq)].append(seq)
    assert {*firsts, head} == set(range(1, head + 1))
    assert all(seqs == sorted(seqs) for seqs in by_stream.values())


class Waiting(OsEnv):
    """A disk that confirms a write when the test says so, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.has_asked = threading.Event()
        self.may_confirm = threading.Event()
        self.is_broken = False

    def fdatasync(self, fd: int) -> None:  # type: ignore[override]  # a plain function there
        """Wait; then fail or be done."""
        self.has_asked.set()
        self.may_confirm.wait()
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        OsEnv.fdatasync(fd)


def test_nothing_is_shown_before_it_is_durable(tmp_path: Path) -> None:
    """The record stands in the file and the disk has not confirmed it: a follower sees it only afterwards."""
    path = tmp_path / "credits"
    disk = Waiting()
    disk.may_confirm.set()
    journal = opened(path, env=disk)
    record(journal, "one")
    disk.has_asked.clear()
    disk.may_confirm.clear()
    follower = opened(path, read_only=True)
    writer = threading.Thread(target=record, args=(journal, "two"))

    writer.start()
    disk.has_asked.wait()
    is_in_file = b'"key":"two"' in next((path / "segments").glob("*.jsonl")).read_bytes()
    before = events_after(follower, after=0, limit=10, interest=Interest()).head
    disk.may_confirm.set()
    writer.join()
    after = events_after(follower, after=0, limit=10, interest=Interest()).head

    assert (is_in_file, before, after) == (True, 2, 3)
    follower.close()
    journal.close()


def test_what_the_disk_never_confirmed_is_never_delivered(tmp_path: Path) -> None:
    """Neither to a subscriber of the process that wrote it nor to one beside it."""
    path = tmp_path / "credits"
    disk = Waiting()
    disk.may_confirm.set()
    journal = opened(path, env=disk)
    record(journal, "one")
    disk.is_broken = True
    with suppress(DurabilityUnknown):
        record(journal, "two")
    beside = opened(path, read_only=True)

    for name, source in (("inside", journal), ("beside", beside)):
        given: list[Event] = []
        with Subscriber.opened(journal=source, path=path, name=name, deliver=given.append) as subscriber:
            while subscriber.step():
                pass
        assert [one.seq for one in given] == [1, 2]
    beside.close()
    journal.close()
