"""The journal's own part: descriptors come back, a closed or damaged one refuses, interrupts reach their caller."""

import errno
import fcntl
import gc
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from console.tests.waiting import wait_until
from ledger.engine import Event, Journal, NewEvent
from ledger.engine.env import OsEnv
from ledger.engine.errors import Closed, Corrupt, DurabilityUnknown, NotAJournal, Poisoned, ReadOnly
from ledger.tests.engine.counting import Counting, command, opened, record
from ledger.tests.engine.disk import FailingDisk


class Folding(Counting):
    """Says how often everything was read again."""

    folds = 0
    is_broken = False

    def reset(self) -> None:
        self.folds += 1
        super().reset()

    def apply(self, event: Event) -> None:
        if self.is_broken:
            raise RuntimeError("broken")
        super().apply(event)


def descriptors() -> list[str]:
    """What is open, once everything that earlier tests left to the collector is gone."""
    gc.collect()
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("read_only", [False, True])
def test_a_closed_journal_has_given_back_every_descriptor(home: Path, read_only: bool) -> None:
    """Of the lock, the mark and the active segment, whether it wrote or only read."""
    opened(home).close()
    before = descriptors()
    journal = opened(home, read_only=read_only)
    if not read_only:
        record(journal, "k1")

    journal.close()

    assert descriptors() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_an_opening_that_fails_gives_its_descriptors_back(home: Path, read_only: bool) -> None:
    """The state cannot take what is recorded: nothing is open, and another process finds the lock free."""
    opened(home).close()
    state = Folding()
    state.is_broken = True
    before = descriptors()

    with pytest.raises(RuntimeError, match="broken"):
        Journal.open(path=home, state=state, read_only=read_only)

    assert descriptors() == before
    journal = opened(home)
    assert record(journal, "k1").events[0].seq == 2
    journal.close()


def test_a_journal_that_is_missing_is_not_made_by_a_reader(tmp_path: Path) -> None:
    """Nothing is, not even its directory."""
    with pytest.raises(NotAJournal, match="missing"):
        opened(tmp_path / "journal", read_only=True)

    assert list(tmp_path.iterdir()) == []


ACTS: dict[str, Callable[[Journal], object]] = {
    "execute": lambda journal: record(journal, "k"),
    "query": lambda journal: journal.query(lambda: None),
    "seal": lambda journal: journal.seal(),
    "recover": lambda journal: journal.recover(reason="tested", actor="user:1"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_closed_journal_refuses_every_act(home: Path, act: str) -> None:
    """Each of them by the same error."""
    journal = opened(home)
    journal.close()

    with pytest.raises(Closed):
        ACTS[act](journal)


def test_a_reader_neither_seals_nor_recovers(home: Path) -> None:
    """It writes nothing, and says so."""
    journal = opened(home)
    record(journal, "k1")
    reader = opened(home, read_only=True)

    for act in ("execute", "seal", "recover"):
        with pytest.raises(ReadOnly):
            ACTS[act](reader)

    assert journal.status.segments == 1
    reader.close()
    journal.close()


def test_a_seal_whose_sync_fails_is_told_to_its_caller_and_poisons(home: Path) -> None:
    """As a command does; and nobody seals a poisoned journal."""
    env = FailingDisk()
    journal = opened(home, env=env)
    record(journal, "k1")
    env.fail("fdatasync", errno.EIO)

    with pytest.raises(DurabilityUnknown):
        journal.seal()

    assert journal.status.state == "poisoned"
    with pytest.raises(Poisoned):
        journal.seal()
    assert journal.head.seq == 2
    journal.close()


class Late(OsEnv):
    """What is to be done beside the caller is done when somebody waits for it."""

    released = 0

    def background(self, work: Callable[[], None]) -> Callable[[], None]:
        return work

    def release_memory(self) -> None:
        self.released += 1


@pytest.mark.parametrize("act", ["seal", "close"])
def test_who_seals_or_closes_waits_for_the_files_of_the_segment(home: Path, act: str) -> None:
    """They are there, their tables have left the memory, and what they took goes back to the system."""
    env = Late()
    journal = opened(home, env=env, segment_bytes=4096)
    count = 0
    while act == "close" and journal.status.segments < 2:
        count += 1
        record(journal, f"k{count}")
    if act == "seal":
        record(journal, "k1")

    getattr(journal, act)()

    assert [path.suffix for path in (home / "segments").iterdir()].count(".keys") == 1
    assert not journal._keeper.store.index.sealing
    assert env.released == 1
    journal.close()


class Waiting(OsEnv):
    """Says when it asks for the lock."""

    def __init__(self) -> None:
        self.is_waiting = threading.Event()

    def lock(self, fd: int) -> None:
        self.is_waiting.set()
        super().lock(fd)


def test_two_who_make_a_journal_at_once_make_one(home: Path) -> None:
    """The second one waits for the lock in front of journal.json, and reads what the first one wrote."""
    others: list[Journal] = []
    env, env_of_other = FailingDisk(), Waiting()
    other = threading.Thread(target=lambda: others.append(opened(home, env=env_of_other)), daemon=True)

    def begin_the_other() -> None:
        if other.ident is None:
            other.start()
            assert env_of_other.is_waiting.wait(timeout=30)

    env.plan["rename"] = begin_the_other

    journal = opened(home, env=env)

    other.join(timeout=30)
    assert [one.status.journal_id for one in others] == [journal.status.journal_id]
    others[0].close()
    journal.close()


def test_a_seal_waits_for_who_holds_the_lock(home: Path) -> None:
    """Another process may be writing to the segment."""
    env = Waiting()
    journal = opened(home, env=env)
    record(journal, "k1")
    env.is_waiting.clear()
    holder = os.open(home / "lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    sealing = threading.Thread(target=journal.seal, daemon=True)
    sealing.start()
    wait_until(lambda: env.is_waiting.is_set() or not sealing.is_alive(), timeout_seconds=20, what="the seal waiting")

    assert len(list((home / "segments").glob("*.jsonl"))) == 1

    os.close(holder)
    sealing.join(timeout=30)
    assert journal.status.segments == 2
    journal.close()


def test_an_interrupt_while_a_command_decides_reaches_its_caller_and_leaves_no_trace(home: Path) -> None:
    """Ctrl-C is not an answer of the journal."""
    journal = opened(home)

    def interrupted() -> Sequence[NewEvent]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.execute(replace(command("k1"), decide=interrupted))

    assert record(journal, "k1").events[0].seq == 2
    journal.close()


def test_an_event_is_got_without_the_lock_even_the_last(home: Path) -> None:
    """So a query, which holds it, may look at events."""
    journal = opened(home)
    last = record(journal, "k1").events[0]

    assert journal.query(lambda: journal.get(seq=last.seq)) == last
    journal.close()


def test_a_damaged_or_poisoned_journal_refuses_without_reading_everything_again(home: Path) -> None:
    """Every command of a busy day would fold the whole journal."""
    env, state = FailingDisk(), Folding()
    journal = Journal.open(path=home, state=state, env=env)
    record(journal, "k1")
    env.fail("fdatasync", errno.EIO)
    with pytest.raises(DurabilityUnknown):
        record(journal, "k2")
    folds = state.folds
    for _ in range(3):
        with pytest.raises(Poisoned):
            record(journal, "k3")
    assert state.folds == folds
    before = len(descriptors())
    journal.recover(reason="tested", actor="user:1")
    assert len(descriptors()) == before
    journal.close()
    segment = home / "segments" / "00000000000000000001.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b'"key":"k1"', b'"key":"k9"'))

    damaged = Folding()
    journal = Journal.open(path=home, state=damaged)
    folds = damaged.folds
    for _ in range(3):
        with pytest.raises(Corrupt):
            record(journal, "k4")

    assert damaged.folds == folds
    journal.close()


def test_closing_makes_the_mark_durable(home: Path) -> None:
    """After a power cut the end of a journal that was closed is still proven."""
    env = FailingDisk()
    journal = opened(home, env=env)
    record(journal, "k1")
    env.calls.clear()

    journal.close()

    assert env.calls == ["fdatasync"]


def test_a_reader_of_a_journal_without_a_segment_sees_nothing(home: Path) -> None:
    """Its maker died before the first one was there."""
    opened(home).close()
    (home / "segments" / "00000000000000000001.jsonl").unlink()
    (home / "durable").unlink()

    reader = opened(home, read_only=True)

    status = reader.status
    assert (status.segments, status.active_bytes, status.head.seq) == (0, 0, 0)
    assert list(reader.read()) == []
    reader.close()


def test_a_forked_child_gives_back_the_descriptors_of_its_parent(home: Path) -> None:
    """It opens its own, as many as the parent has; but a sealing of the parent, and its lock, are not the child's."""
    journal = opened(home)
    record(journal, "k1")
    sealer = journal._keeper.sealer
    sealer._manifest = os.open(home / "manifest.jsonl", os.O_RDWR | os.O_CREAT)
    before = len(descriptors())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            record(journal, "k2")
            code = 0 if len(descriptors()) == before - 1 else 2
        finally:
            os._exit(code)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    os.close(sealer._manifest)
    journal.close()


def test_a_child_forked_by_who_asks_the_journal_is_not_held_to_be_in_the_query(home: Path) -> None:
    """A query forks: in the child nobody holds the lock, and it asks for itself."""
    journal = opened(home, env=OsEnv())

    def fork() -> int:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if journal.query(lambda: 7) == 7 else 2
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert journal.query(fork) == 0
    journal.close()
