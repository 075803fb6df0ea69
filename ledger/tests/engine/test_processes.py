"""Several processes on one journal, and processes that die: nothing acknowledged is lost, nothing is there twice."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tests.waiting import PATIENT_SECONDS, wait_until
from ledger.engine import Journal, Receipt
from ledger.proof.verification import verify
from ledger.tests.engine.counting import Counting, command, event, opened, record

Writer = subprocess.Popen[str]


def start(home: Path, name: str, count: int, segment_bytes: int = 2**20) -> Writer:
    arguments = [sys.executable, "-m", "ledger.tests.engine.writer", str(home), name, str(count), str(segment_bytes)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def acknowledged(writer: Writer) -> Iterator[tuple[int, int, bool]]:
    """(number, first seq, is_repeated) of every whole line the writer printed."""
    assert writer.stdout is not None
    with writer.stdout as lines:
        for line in lines:
            if line.endswith("\n"):
                number, seq, repeated = line.split()
                yield int(number), int(seq), repeated == "1"


def check_sound(home: Path) -> dict[str, int]:
    """No problem in the whole journal, every key once; the answer is the seq of each key."""
    keys: dict[str, int] = {}
    again = []

    def take(one: object) -> None:
        key, seq = getattr(one, "key", None), getattr(one, "seq", 0)
        if key is not None:
            again.append(key) if key in keys else keys.setdefault(key, seq)

    report = verify(path=home, take=take)
    assert report.problems == ()
    assert again == []
    return keys


@pytest.mark.parametrize("count", [2, 3])
def test_processes_that_write_at_once_lose_nothing_and_repeat_nothing(home: Path, count: int) -> None:
    """Each writes 120 commands into small segments; the chain is whole, every answer is where it was said to be."""
    opened(home, segment_bytes=32 * 1024).close()
    writers = [start(home, f"w{number}", 120) for number in range(count)]

    answers = [list(acknowledged(writer)) for writer in writers]

    assert [writer.wait() for writer in writers] == [0] * count
    keys = check_sound(home)
    for number, answer in enumerate(answers):
        assert {f"w{number}-{index}": seq for index, seq, _ in answer}.items() <= keys.items()
        assert len(answer) == 120
    journal = opened(home)
    assert journal.status.segments > 3
    assert all(journal.stream_version(f"agent:w{number}") == 240 for number in range(count))
    journal.close()


def test_a_process_sees_what_another_one_wrote_and_knows_its_keys(home: Path) -> None:
    """Query, read, version and idempotency follow the other process without opening again."""
    state = Counting()
    journal = Journal.open(path=home, state=state, segment_bytes=32 * 1024)
    writer = start(home, "w", 100)
    answers = list(acknowledged(writer))
    assert writer.wait() == 0

    seen = journal.query(lambda: dict(state.sums))

    assert seen == {"agent:w": sum(number * (1 + number % 3) for number in range(100))}
    assert journal.stream_version("agent:w") == 199
    repeated = journal.execute(command("w-7", [], content="w-7"))
    assert repeated.is_repeated
    assert repeated.events[0].seq == answers[7][1]
    journal.close()


@pytest.mark.timeout(200)
def test_killing_writers_at_random_moments_loses_no_acknowledged_event(home: Path) -> None:
    """20 kills with SIGKILL of one of two writers: the survivor goes on, each new one finds everything, and a retry of
    what may have been under way is recorded once."""
    chance = random.Random(7)
    opened(home, segment_bytes=64 * 1024).close()
    survivor = start(home, "survivor", 0)
    known: dict[str, int] = {}
    for turn in range(20):
        victim = start(home, f"v{turn % 4}", 0)
        wanted = chance.randint(1, 60)
        for index, (number, seq, _) in enumerate(acknowledged(victim)):
            known[f"v{turn % 4}-{number}"] = seq
            if index == wanted:
                victim.send_signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
    assert survivor.poll() is None
    survivor.send_signal(signal.SIGKILL)
    known |= {f"survivor-{number}": seq for number, seq, _ in acknowledged(survivor)}
    survivor.wait()

    journal = opened(home)

    assert journal.status.state == "normal"
    journal.close()
    keys = check_sound(home)
    assert known.items() <= keys.items()
    assert len(known) > 200


def test_those_who_wait_for_another_process_are_written_in_one_flush(home: Path) -> None:
    """Also who came when the first of them was waiting already: many processes still share their fsyncs."""
    journal = opened(home)
    other = os.open(home / "lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    receipts: list[Receipt] = []
    writers = [
        threading.Thread(target=lambda number=number: receipts.append(record(journal, f"k{number}")))
        for number in range(8)
    ]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(journal._group._waiting) == 7, timeout_seconds=20, what="seven in the queue")

    fcntl.flock(other, fcntl.LOCK_UN)
    for writer in writers:
        writer.join(timeout=PATIENT_SECONDS)

    assert len({receipt.events[0].flush for receipt in receipts}) == 1
    assert sorted(receipt.events[0].seq for receipt in receipts) == list(range(2, 10))
    os.close(other)
    journal.close()
    check_sound(home)


def test_two_journal_objects_of_one_process_work_on_one_directory(home: Path) -> None:
    """They take turns like two processes."""
    one, two = opened(home), opened(home)

    seqs = [record(one if number % 2 else two, f"k{number}").events[0].seq for number in range(40)]

    assert seqs == list(range(2, 42))
    assert one.head == two.head
    assert record(one, "k0").is_repeated
    one.close()
    two.close()
    check_sound(home)


def test_a_forked_child_has_descriptors_and_locks_of_its_own(home: Path) -> None:
    """Parent and child write by turns and together; the parent's lock is not the child's."""
    journal = opened(home)
    record(journal, "before")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for number in range(30):
                record(journal, f"child-{number}")
            code = 0
        finally:
            os._exit(code)
    for number in range(30):
        record(journal, f"parent-{number}")
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert journal.head.seq == 62
    assert record(journal, "child-3").is_repeated
    journal.close()
    assert len(check_sound(home)) == 61


def test_a_child_forked_while_a_thread_writes_reads_again_before_it_goes_on(home: Path) -> None:
    """The state of a flush in progress at the fork is not durable; the child must not build on it."""
    journal = opened(home)
    record(journal, "k1", event(amount=3))
    journal._mutex.acquire()
    state = journal._keeper._state
    assert isinstance(state, Counting)
    state.sums["agent:a"] = 99
    child = os.fork()
    if child == 0:
        is_right = False
        try:
            is_right = journal.query(lambda: dict(state.sums)) == {"agent:a": 3}
        finally:
            os._exit(0 if is_right else 1)
    journal._mutex.release()

    _, status = os.waitpid(child, 0)

    assert status == 0
    journal.close()
