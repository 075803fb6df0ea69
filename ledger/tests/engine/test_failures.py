"""A disk that fails: certainly no effect, durable, or unknown and poisoned. Never an answer that is not true."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.engine.errors import (
    Corrupt,
    DurabilityUnknown,
    JournalFull,
    NotWritten,
    Poisoned,
    ReadOnly,
    UnsupportedFileSystem,
)
from ledger.proof.verification import verify
from ledger.tests.engine.counting import Counting, command, event, opened, record
from ledger.tests.engine.disk import FailingDisk


def poisoned(home: Path) -> tuple[Journal, FailingDisk]:
    """A journal with one durable command, whose next fsync failed."""
    env = FailingDisk()
    journal = opened(home, env=env)
    record(journal, "durable", event(amount=5))
    env.fail("fdatasync", errno.EIO)
    with pytest.raises(DurabilityUnknown):
        record(journal, "unknown", event(amount=7))
    return journal, env


def sums(journal: Journal) -> dict[str, int]:
    state = journal._keeper._state
    assert isinstance(state, Counting)
    return journal.query(lambda: dict(state.sums))


def test_a_failed_fsync_poisons_the_journal_and_shows_only_what_is_durable(home: Path) -> None:
    """Never retried: read-only up to the durable mark, everybody who writes is told why."""
    journal, _ = poisoned(home)

    with pytest.raises(Poisoned, match="Input/output error"):
        record(journal, "next")

    assert journal.status.state == "poisoned"
    assert sums(journal) == {"agent:a": 5}
    assert journal.head.seq == 2
    assert (home / "POISONED").exists()
    journal.close()


def test_poison_holds_for_other_processes_and_after_a_restart(home: Path) -> None:
    """Whoever has the journal open learns it with its next command, whoever opens it at once."""
    other = opened(home)
    journal, _ = poisoned(home)

    with pytest.raises(Poisoned):
        record(other, "other")
    journal.close()
    again = opened(home)
    with pytest.raises(Poisoned):
        record(again, "again")

    assert again.head.seq == 2
    again.close()
    other.close()


def test_recovery_copies_the_verified_records_to_fresh_blocks_and_the_retry_is_recorded_once(home: Path) -> None:
    """A new file takes the name, the old one is kept; the unknown command is answered by its key, whatever happened."""
    other = opened(home)
    journal, _ = poisoned(home)
    segment = home / "segments" / "00000000000000000001.jsonl"
    before = segment.stat().st_ino
    with pytest.raises(Poisoned):
        record(other, "before")

    recovered = journal.recover(reason="The cable was loose.", actor="user:3")

    assert segment.stat().st_ino != before
    assert not (home / "POISONED").exists()
    assert recovered.type == "journal.recovered"
    assert recovered.data["reason"] == "The cable was loose."
    assert recovered.data["by"] == "user:3"
    assert re.fullmatch(rf"{segment.stem}-poisoned-[0-9a-f]{{8}}\.jsonl", recovered.data["quarantine"])
    assert (home / "quarantine" / recovered.data["quarantine"]).stat().st_ino == before
    assert segment.stat().st_size == 2**20
    assert record(journal, "unknown", event(amount=7)).events[0].data["amount_micros"] == 7
    assert record(other, "after").events[0].stream == "agent:a"
    assert sums(journal) == {"agent:a": 13}
    assert sum(one.key == "unknown" for one in other.read()) == 1
    journal.close()
    other.close()
    assert verify(path=home).is_sound


def test_each_recovery_begins_a_new_epoch(home: Path) -> None:
    """So whoever slept through two of them sees that he has to read again."""
    journal, env = poisoned(home)
    epochs = [journal._keeper.store.epoch]
    for number in range(2):
        journal.recover(reason="The cable was loose.", actor="user:3")
        epochs.append(journal._keeper.store.epoch)
        env.fail("fdatasync", errno.EIO)
        with pytest.raises(DurabilityUnknown):
            record(journal, f"k{number}")

    assert epochs == [0, 1, 2]
    journal.close()


@pytest.mark.parametrize("call", ["fsync", "pwrite", "link", "rename"])
def test_a_recovery_that_broke_off_is_begun_again(home: Path, call: str) -> None:
    """Whatever the first one left lying about; until then the journal stays poisoned."""
    journal, env = poisoned(home)
    env.fail(call, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        journal.recover(reason="The cable was loose.", actor="user:3")
    with pytest.raises(Poisoned):
        record(journal, "between")

    journal.recover(reason="The cable was loose.", actor="user:3")

    assert record(journal, "unknown", event(amount=7)).events[0].data["amount_micros"] == 7
    journal.close()
    assert verify(path=home).is_sound
    assert not list((home / "segments").glob("*.tmp"))


def test_the_new_file_has_its_space_before_it_takes_the_name(home: Path) -> None:
    """A disk that is too full is met before anything is replaced, not when the recovery is to be recorded."""
    journal, env = poisoned(home)
    temporary = home / "segments" / "00000000000000000001.tmp"
    sizes: list[int] = []
    env.plan["rename"] = lambda: sizes.append(temporary.stat().st_size)

    journal.recover(reason="The cable was loose.", actor="user:3")

    assert sizes == [2**20]
    journal.close()


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "changed": lambda content: content.replace(b'"amount_micros":5', b'"amount_micros":6'),
    "cut": lambda content: content[: content.index(b"\n") + 1].ljust(len(content), b"\n"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_poisoned_journal_that_is_damaged_too_is_not_recovered(home: Path, damage: str) -> None:
    """What was durable is not what it was: nothing is replaced, and it stays poisoned."""
    journal, _ = poisoned(home)
    journal.close()
    segment = home / "segments" / "00000000000000000001.jsonl"
    damaged = DAMAGED[damage](segment.read_bytes())
    segment.write_bytes(damaged)
    journal = opened(home)

    with pytest.raises(Corrupt):
        journal.recover(reason="The cable was loose.", actor="user:3")

    assert segment.read_bytes() == damaged
    assert (home / "POISONED").exists()
    journal.close()


def test_a_journal_that_is_not_poisoned_has_nothing_to_recover(home: Path) -> None:
    """The act is refused, not recorded as if it had been one."""
    journal = opened(home)

    with pytest.raises(ReadOnly):
        journal.recover(reason="to be sure", actor="user:3")

    assert journal.head.seq == 1
    journal.close()


def test_a_failed_write_is_undone_and_certainly_has_no_effect(home: Path) -> None:
    """The piece that was written is overwritten with newlines; state, head and key are as before."""
    env = FailingDisk()
    journal = opened(home, env=env)
    record(journal, "k1", event(amount=5))
    env.fail("pwrite", errno.EIO)

    with pytest.raises(NotWritten):
        record(journal, "k2", event(amount=7))

    assert sums(journal) == {"agent:a": 5}
    assert journal.head.seq == 2
    assert record(journal, "k2", event(amount=1)).events[0].seq == 3
    journal.close()
    assert verify(path=home).is_sound


def test_a_write_that_can_not_even_be_undone_poisons_the_journal(home: Path) -> None:
    """Nobody can tell what is on the disk."""
    env = FailingDisk()
    journal = opened(home, env=env)
    record(journal, "k1")
    env.fail("pwrite", errno.EIO, times=99)

    with pytest.raises(DurabilityUnknown):
        record(journal, "k2")

    env.plan.clear()
    assert journal.status.state == "poisoned"
    with pytest.raises(Poisoned):
        record(journal, "k3")
    journal.close()


def test_an_fsync_that_fails_while_filling_ahead_poisons_too(home: Path) -> None:
    """Nothing of a command was written yet, but nobody may trust this file any more."""
    env = FailingDisk()
    journal = opened(home, env=env, segment_bytes=2**20)
    record(journal, "k1", event(note="x" * 900_000))
    env.fail("fsync", errno.EIO)

    with pytest.raises(DurabilityUnknown):
        record(journal, "k2", event(note="x" * 900_000))

    assert journal.status.state == "poisoned"
    journal.recover(reason="The cable was loose.", actor="user:3")
    assert not record(journal, "k2", event(note="x" * 900_000)).is_repeated
    journal.close()
    assert verify(path=home).is_sound


def test_short_writes_are_continued(home: Path) -> None:
    """Each call writes half of what it is given; the record is whole all the same."""
    env = FailingDisk()
    journal = opened(home, env=env)
    env.plan["short"] = lambda: None

    record(journal, "k1", event(note="x" * 5000))

    env.plan.clear()
    journal.close()
    assert verify(path=home).is_sound
    assert verify(path=home).events == 2


def test_every_waiter_of_a_failed_flush_gets_the_same_answer(home: Path) -> None:
    """Requests that shared the flush share its fate."""
    from ledger.engine.group import Request

    env = FailingDisk()
    journal = opened(home, env=env)
    env.fail("fdatasync", errno.EIO)
    requests = [Request(command(f"k{number}")) for number in range(5)]

    journal._serve(requests)

    assert {type(request.error) for request in requests} == {DurabilityUnknown}
    assert all(request.receipt is None for request in requests)
    journal.close()


@pytest.mark.parametrize("call", ["link", "fsync", "pwrite", "rename", "open"])
def test_a_failure_while_going_on_to_the_next_segment_loses_nothing(home: Path, call: str) -> None:
    """Whichever call fails once, in whichever step: commands are refused or recorded, and it goes on by itself."""
    env = FailingDisk()
    journal = opened(home, env=env, segment_bytes=8192)
    answered: list[str] = []
    for number in range(120):
        if number % 7 == 3:
            env.fail(call, errno.ENOSPC if call == "pwrite" else errno.EIO)
        try:
            record(journal, f"k{number}", event(note="x" * 200))
        except (NotWritten, JournalFull):
            continue
        except (DurabilityUnknown, Poisoned):
            env.plan.clear()
            journal.recover(reason="test", actor="user:1")
            continue
        answered.append(f"k{number}")
    env.plan.clear()
    journal.close()

    again = opened(home)

    keys = [one.key for one in again.read(types=["credit.*"])]
    assert set(answered) <= set(keys)
    assert len(keys) == len(set(keys))
    assert again.status.segments > 3
    assert len(answered) > 60
    again.close()
    assert verify(path=home).is_sound


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB."""
    point = tmp_path / "small"
    point.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(point)], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("needs root to mount a small file system")
    yield point
    subprocess.run(["umount", "--lazy", str(point)], check=True)


def test_a_full_disk_refuses_new_commands_and_ends_by_itself(small_disk: Path) -> None:
    """Met while filling ahead, before anything is written: no effect, no read-only state, and on it goes."""
    journal = opened(small_disk / "credits", segment_bytes=64 * 2**20)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 15 * 2**20)
    count = 0
    with pytest.raises(JournalFull) as caught:
        for count in range(40):
            record(journal, f"k{count}", event(note="x" * 500_000))

    assert 5 < count < 30
    assert int(str(caught.value.params["used_percent"])) >= 80
    assert journal.status.state == "normal"
    assert not journal.execute(command("small", [])).is_repeated
    ballast.unlink()
    assert record(journal, f"k{count}", event(note="x" * 500_000)).events[0].seq == count + 2
    journal.close()
    assert verify(path=small_disk / "credits").is_sound


def test_a_journal_cannot_be_created_on_a_full_disk_and_leaves_no_half_of_one(small_disk: Path) -> None:
    """The first segment needs its space first; once there is some, the same directory opens."""
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"x" * 65536)

    with pytest.raises((JournalFull, NotWritten, OSError)):
        opened(small_disk / "credits")

    ballast.unlink()
    journal = opened(small_disk / "credits")
    assert record(journal, "k1").events[0].seq == 2
    journal.close()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse", "9p"])
def test_network_and_fuse_file_systems_are_refused_by_name(home: Path, kind: str) -> None:
    """Their flock and fsync do not keep the promises."""
    env = FailingDisk()
    env.mount_table = f"1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {home.parent} rw shared:1 - {kind} server rw\n"

    with pytest.raises(UnsupportedFileSystem, match=kind):
        opened(home, env=env)


def test_an_overlay_is_a_warning_and_the_longest_mount_point_counts(home: Path) -> None:
    """A container's own layer works but disappears with it."""
    env = FailingDisk()
    env.mount_table = f"1 0 0:1 / / rw - nfs x rw\n2 1 0:2 / {home.parent} rw - overlay overlay rw\n"

    journal = opened(home, env=env)

    assert any("overlay" in warning for warning in journal.status.warnings)
    journal.close()
