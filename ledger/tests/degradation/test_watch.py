"""A journal that gets slow, fails, fills up or is damaged: what its servers say, refuse, and how they go on."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.tests.waiting import wait_until
from ledger.degradation import Cause, NotReadOnly, ReadOnlyNow, State, Watch
from ledger.degradation.watch import Standing
from ledger.engine.errors import JournalFull, NotWritten
from ledger.tests.degradation.conftest import Server
from ledger.tests.engine.counting import opened, record

WARNING_SECONDS, CRITICAL_SECONDS = 0.11, 1.01


def state_of(server: Server) -> State:
    """What the server says now."""
    return server.watch.standing().state


def assert_refuses(server: Server) -> None:
    """Writes are refused as such; reads work."""
    with pytest.raises(ReadOnlyNow):
        server.watch.require_writable()
    assert server.journal.get(seq=1).seq == 1


def make_read_only(server: Server) -> Standing:
    """Let three writes fail, of three."""
    server.disk.is_failing = True
    for _number in range(3):
        with pytest.raises(NotWritten):
            server.write()
    server.disk.is_failing = False
    found = server.watch.standing()
    assert found.state is State.READ_ONLY
    return found


def test_a_disk_that_works_is_normal_and_nothing_is_written_beside_the_journal(server: Server, path: Path) -> None:
    """The file is for changes of the state."""
    server.write(20)

    server.watch.require_writable()

    assert server.watch.standing() == Standing()
    assert not list(path.glob("condition*"))


def test_slow_writes_degrade_every_server_of_the_machine_and_that_ends_by_itself(
    server: Server, neighbour: Server
) -> None:
    """Past 100 ms: orders are still taken. Half a minute after the last slow one everybody is back to normal."""
    server.disk.confirm_seconds = WARNING_SECONDS
    server.write(3)

    found = server.watch.standing()

    assert (found.state, found.findings[0].cause, found.findings[0].count) == (State.DEGRADED, Cause.LATENCY, 3)
    assert state_of(neighbour) is State.DEGRADED
    for one in (server, neighbour):
        one.watch.require_writable()
        one.pass_seconds(32)
    assert [state_of(server), state_of(neighbour)] == [State.NORMAL, State.NORMAL]


def test_writes_past_a_second_stop_all_servers_until_a_person_says_so(server: Server, neighbour: Server) -> None:
    """Nobody goes on alone, however long it is calm; then everybody does, also who measured the slow ones."""
    server.disk.confirm_seconds = CRITICAL_SECONDS
    server.write(3)
    server.disk.confirm_seconds = 0
    found = server.watch.standing()
    assert (found.state, found.findings[0].worst_micros > 1_000_000) == (State.READ_ONLY, True)
    assert_refuses(server)
    assert_refuses(neighbour)
    neighbour.pass_seconds(3600)
    assert state_of(neighbour) is State.READ_ONLY

    left = neighbour.watch.release()

    assert left == found
    server.watch.require_writable()
    server.write()
    assert [state_of(server), state_of(neighbour)] == [State.NORMAL, State.NORMAL]


def test_the_watch_enters_read_only_while_a_write_hangs_though_nobody_asks(server: Server, path: Path) -> None:
    """The thread beside the others sees what is under way; within half a minute, another process knows."""
    server.disk.may_confirm.clear()
    hanging = threading.Thread(target=server.write)
    hanging.start()
    wait_until(lambda: server.watch.writes.began_micros > 0, timeout_seconds=30, what="the write")
    server.pass_seconds(11)

    server.watch.start()

    waited = wait_until((path / "condition.json").exists, timeout_seconds=30, what="the state read-only")
    assert waited < 30
    assert Watch(path=path).standing().state is State.READ_ONLY
    server.disk.may_confirm.set()
    hanging.join()


def test_failing_writes_stop_the_journal(server: Server, neighbour: Server) -> None:
    """Past 5 percent, three at least."""
    found = make_read_only(server)

    assert [(one.cause, one.count) for one in found.findings] == [(Cause.ERRORS, 3)]
    assert_refuses(server)
    assert_refuses(neighbour)


def test_read_only_survives_a_restart(server: Server, path: Path) -> None:
    """Of all servers: it is left by a person, not by a start."""
    found = make_read_only(server)
    server.close()

    restarted = Server(path)

    assert restarted.watch.standing() == found
    restarted.close()


def test_a_damaged_journal_stays_read_only_after_the_damage_is_gone(server: Server) -> None:
    """Somebody who put the bytes back is not yet somebody who said that it may go on."""
    found = server.watch.standing(is_damaged=True)

    assert [one.cause for one in found.findings] == [Cause.DAMAGE]
    assert_refuses(server)
    assert server.watch.standing(is_damaged=False) == found


def test_what_is_not_read_only_cannot_be_left(server: Server) -> None:
    """A second click does nothing."""
    with pytest.raises(NotReadOnly):
        server.watch.release()
    make_read_only(server)
    server.watch.release()
    with pytest.raises(NotReadOnly):
        server.watch.release()


def test_a_state_that_cannot_be_read_stops_writes(server: Server, path: Path) -> None:
    """Somebody wrote it for a reason; a person may leave it as any other."""
    (path / "condition.json").write_text("{")

    assert_refuses(server)
    server.watch.release()
    server.watch.require_writable()


def test_a_state_that_no_disk_takes_holds_in_the_process_that_found_it(server: Server, path: Path) -> None:
    """And it is written as soon as that works."""
    (path / "condition.lock").mkdir()

    make_read_only(server)
    assert_refuses(server)
    assert not (path / "condition.json").exists()
    (path / "condition.lock").rmdir()
    server.watch.standing()

    assert (path / "condition.json").exists()


def test_a_disk_of_90_percent_degrades_and_ends_by_itself(server: Server, path: Path) -> None:
    """Also above 95: that never stops writes by a person's leave, the journal blocks them itself."""
    for used, state in ((89, State.NORMAL), (90, State.DEGRADED), (99, State.DEGRADED), (80, State.NORMAL)):
        server.disk.percent_used = used
        assert state_of(server) is state
        server.watch.require_writable()
    assert not (path / "condition.json").exists()


def test_what_a_full_disk_refuses_is_no_failed_write(server: Server) -> None:
    """A terabyte with a gigabyte free: JournalFull, and degraded for the disk alone."""
    server.disk.percent_used = 100
    with suppress(JournalFull):
        while True:
            server.write(50)

    found = server.watch.standing()

    assert [(one.cause, one.count) for one in found.findings] == [(Cause.DISK, 100)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MB."""
    point = tmp_path / "small"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(point)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs root to mount a small file system")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


def test_a_real_disk_that_fills_up_degrades_blocks_writes_and_goes_on_by_itself(small_disk: Path) -> None:
    """Reads work throughout, nothing acknowledged is lost, and no person is needed."""
    path = small_disk / "credits"
    watch = Watch(path=path)
    journal = opened(path, env=watch.env)
    record(journal, "first")
    ballast = small_disk / "ballast"
    states = [watch.standing().state]
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    with pytest.raises(JournalFull):
        for number in range(100_000):
            record(journal, f"k-{number}")
    states.append(watch.standing().state)
    watch.require_writable()
    acknowledged = journal.head.seq
    assert journal.get(seq=acknowledged).seq == acknowledged
    ballast.unlink()

    later = record(journal, "later").events[0].seq
    states.append(watch.standing().state)
    journal.close()

    assert later > acknowledged
    assert states == [State.NORMAL, State.DEGRADED, State.NORMAL]
    assert not (path / "condition.json").exists()
