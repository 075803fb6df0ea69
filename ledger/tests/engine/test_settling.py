"""What the next process makes of one that died or failed half way: nothing is built on what is not durable yet.

Two events come together in each of these: a process dies or a sync fails, and later the power is cut.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ledger.engine.errors import DurabilityUnknown, LedgerError, NotWritten, Poisoned
from ledger.simulation.client import Client, command, judge, moving
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import SimEnv
from ledger.simulation.promises import Promises
from ledger.simulation.turns import Killed

SEGMENT_BYTES = 4096
CUTS = 60


class Fault:
    """Lets one call fail or be the last: the first of this name on this file once it is armed."""

    def __init__(self, promises: Promises, call: str, name: str = "") -> None:
        self._promises = promises
        self._call, self._name = call, name
        self.action: Callable[[], None] | None = None

    def __call__(self, call: str, name: str, content: bytes) -> None:
        self._promises.see(content)
        if self.action is not None and call == self._call and name.startswith(self._name):
            action, self.action = self.action, None
            action()


def killing(one: Client) -> Callable[[], None]:
    """The process ends in the middle of the call."""

    def die() -> None:
        one.env.die()
        raise Killed

    return die


def fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def failing_and_killing(one: Client) -> Callable[[], None]:
    """The call fails, and the process ends before it can say so to anybody."""

    def fail_and_die() -> None:
        one.env.meet = lambda call, name, content: killing(one)()
        fail()

    return fail_and_die


def client(disk: SimDisk, promises: Promises, meet: Fault | None = None) -> Client:
    return Client(SimEnv(disk, meet=meet), promises, segment_bytes=SEGMENT_BYTES)


def go_on(one: Client, key: str) -> Exception | None:
    return one.execute(command(key, [moving("agent:a", 1, "x" * 300)]))


def fill(one: Client) -> None:
    """Until the next command needs a new segment."""
    number = 0
    while not one.journal._keeper.store.needs_next():
        assert go_on(one, f"fill-{number}") is None
        number += 1


def lost_at_power_cuts(disk: SimDisk, promises: Promises) -> list[str]:
    """What is wrong with the disks that power cuts leave."""
    found = (judge(disk.after_power_cut(Random(seed)), promises, segment_bytes=SEGMENT_BYTES) for seed in range(CUTS))
    return [wrong for wrong in found if wrong and "poisoned" not in wrong]


@pytest.mark.parametrize("is_open_already", [True, False])
def test_a_segment_that_a_dead_process_left_is_adopted_with_its_name(is_open_already: bool) -> None:
    """Killed between giving the name and syncing the directory: the next writer syncs it before it acknowledges."""
    disk, promises = SimDisk(), Promises()
    fault = Fault(promises, "sync_directory", "segments")
    first = client(disk, promises, fault)
    second = client(disk, promises) if is_open_already else None
    fill(first)
    fault.action = killing(first)
    with pytest.raises(Killed):
        go_on(first, "killed")

    second = second or client(disk, promises)
    assert go_on(second, "after") is None

    assert lost_at_power_cuts(disk, promises) == []


def test_a_directory_that_cannot_be_synced_leaves_no_segment_to_build_on() -> None:
    """The new name is taken back; the same process tries again, and acknowledges nothing before its name is durable."""
    disk, promises = SimDisk(), Promises()
    fault = Fault(promises, "sync_directory", "segments")
    one = client(disk, promises, fault)
    fill(one)
    fault.action = fail

    assert isinstance(go_on(one, "refused"), LedgerError)
    assert go_on(one, "after") is None

    assert one.journal.status.segments == 2
    assert lost_at_power_cuts(disk, promises) == []


def leave_unsynced(disk: SimDisk, promises: Promises) -> None:
    """A process dies when its flush is written, and before it is durable."""
    fault = Fault(promises, "fdatasync", "0")
    first = client(disk, promises, fault)
    assert go_on(first, "kept") is None
    fault.action = killing(first)
    with pytest.raises(Killed):
        go_on(first, "left")


@pytest.mark.parametrize("is_open_already", [True, False])
def test_a_sync_that_fails_while_adopting_poisons_the_journal(is_open_already: bool) -> None:
    """What a failed sync left may be gone although a later one succeeds, so nobody writes behind it."""
    disk, promises = SimDisk(seed=3), Promises()
    fault = Fault(promises, "fdatasync", "0")
    second = client(disk, promises, fault) if is_open_already else None
    leave_unsynced(disk, promises)
    fault.action = fail

    if second is None:
        with pytest.raises(DurabilityUnknown):
            client(disk, promises, fault)
        second = client(disk, promises)
    else:
        assert isinstance(go_on(second, "after"), DurabilityUnknown)

    assert isinstance(go_on(second, "later"), Poisoned)
    assert second.journal.status.head.seq == 2
    assert second.journal.recover(reason="tested", actor="user:1").type == "journal.recovered"
    assert go_on(second, "later") is None
    assert lost_at_power_cuts(disk, promises) == []


def test_a_torn_end_that_cannot_be_erased_durably_poisons_the_journal() -> None:
    """Half a flush could come back behind later records and look like rot."""
    disk, promises = SimDisk(), Promises()
    first = client(disk, promises)
    assert go_on(first, "kept") is None
    path: Path = first.journal._keeper.store.active.path  # type: ignore[union-attr]  # there is one
    first.env.die()
    disk.file(path).write(b'{"seq":3,"torn', len(disk.file(path).content.rstrip(b"\n")) + 1)
    fault = Fault(promises, "fsync", path.name)
    fault.action = fail

    with pytest.raises(DurabilityUnknown):
        client(disk, promises, fault)

    assert client(disk, promises).journal.status.state == "poisoned"


def test_what_was_cut_is_durable_in_quarantine_before_it_is_erased() -> None:
    """Whatever a power cut leaves behind the repair: the piece is in its old place, or kept aside."""
    disk, promises = SimDisk(), Promises()
    first = client(disk, promises)
    assert go_on(first, "kept") is None
    path: Path = first.journal._keeper.store.active.path  # type: ignore[union-attr]  # there is one
    first.env.die()
    piece = b'{"seq":3,"torn'
    disk.file(path).write(piece, len(disk.file(path).content.rstrip(b"\n")) + 1)
    disk.file(path).sync()

    second = client(disk, promises)

    assert second.journal.status.state == "normal"
    for seed in range(CUTS):
        left = disk.after_power_cut(Random(seed)).files()
        assert any(piece in file.content for file in left.values()), f"seed {seed}"


def test_a_recovery_is_not_undone_by_a_power_cut() -> None:
    """Its names are durable when it returns: the journal is not poisoned again, and the old file is kept."""
    disk, promises = SimDisk(), Promises()
    fault = Fault(promises, "fdatasync", "0")
    one = client(disk, promises, fault)
    fault.action = fail
    assert isinstance(go_on(one, "unknown"), DurabilityUnknown)

    kept = one.journal.recover(reason="tested", actor="user:1").data["quarantine"]

    for seed in range(CUTS):
        left = disk.after_power_cut(Random(seed))
        assert client(left, promises).journal.status.state == "normal", f"seed {seed}"
        assert kept in {path.name for path in left.files()}


@pytest.mark.parametrize("is_open_already", [True, False])
def test_what_a_failed_sync_left_is_written_again_by_whoever_adopts_it(is_open_already: bool) -> None:
    """Its writer was killed before it could poison the journal, and the system believes the records written."""
    found = []
    for seed in range(8):
        disk, promises = SimDisk(seed=seed), Promises()
        fault = Fault(promises, "fdatasync", "0")
        first = client(disk, promises, fault)
        second = client(disk, promises) if is_open_already else None
        assert go_on(first, "kept") is None
        fault.action = failing_and_killing(first)
        with pytest.raises(Killed):
            go_on(first, "left")

        second = second or client(disk, promises)
        assert go_on(second, "left") is None
        assert go_on(second, "after") is None
        found += lost_at_power_cuts(disk, promises)

    assert found == []


def test_nobody_adopts_what_somebody_poisoned_who_could_not_say_so_in_the_mark() -> None:
    """The slot of the mark fails too; the file POISONED is there, and whoever has the journal open looks for it."""
    disk, promises = SimDisk(), Promises()
    fault = Fault(promises, "fdatasync", "0")
    first, second = client(disk, promises, fault), client(disk, promises)
    assert go_on(first, "kept") is None
    assert go_on(second, "also kept") is None

    def fail_the_mark_too() -> None:
        fault._call, fault._name, fault.action = "pwrite", "durable", fail
        fail()

    fault.action = fail_the_mark_too
    assert isinstance(go_on(first, "unknown"), DurabilityUnknown)

    assert isinstance(go_on(second, "unknown"), Poisoned)
    assert second.journal.status.state == "poisoned"
    assert second.journal.head.seq == 3


def with_padding_behind_a_seal(padding: bytes) -> tuple[Client, Client]:
    """Two processes on a journal of two segments, the first of which ends in this; the second one opened it before."""
    disk, promises = SimDisk(), Promises()
    first = client(disk, promises)
    fill(first)
    standing_at_the_seal = client(disk, promises)
    assert go_on(first, "in the next segment") is None
    path = first.journal._keeper.store.layout.segment(1)
    file = disk.file(path)
    end = len(file.content.rstrip(b"\n")) + 1
    file.write(padding.ljust(len(file.content) - end, padding[-1:]), end)
    return standing_at_the_seal, client(disk, promises)


def test_zeros_behind_a_seal_are_padding_that_was_lost_and_no_damage() -> None:
    """A sync failed while space was filled ahead, others went on, and a power cut left zeros: no record is missing."""
    for one in with_padding_behind_a_seal(b"\0"):
        assert go_on(one, "after") is None
        assert one.journal.status.state == "normal"


def test_anything_else_behind_a_seal_is_damage() -> None:
    """Nobody writes there, so nobody may take it for padding either."""
    _, opened = with_padding_behind_a_seal(b'\n\0{"seq":99}\n')

    assert opened.journal.status.state == "read_only"
    assert "nothing but newlines" in opened.journal.status.reason


def test_whoever_was_refused_touches_no_file_once_it_has_let_go_of_the_lock() -> None:
    """What others write meanwhile is not for it to mend: it reads everything again, but only with the lock."""
    disk, promises = SimDisk(), Promises()
    fault = Fault(promises, "pwrite", "0")
    first, second = client(disk, promises, fault), client(disk, promises)
    assert go_on(first, "kept") is None
    touched = []

    def meet(call: str, name: str, content: bytes) -> None:
        if name and not first.env.holds(first.journal._keeper.store.layout.lock):
            touched.append(f"{call} {name}")
        fault(call, name, content)

    first.env.meet, fault.action = meet, fail
    assert isinstance(go_on(first, "refused"), NotWritten)

    assert set(touched) == {"lock lock"}
    assert go_on(second, "between") is None
    assert go_on(first, "after") is None
    assert first.state.hashes == second.state.hashes + first.state.hashes[-1:]
