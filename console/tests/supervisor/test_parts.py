"""The parts of the supervisor one by one: backoff, storage lock, port, readiness."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_django import Settings

from console.supervisor import address, storage_lock
from console.supervisor.child import Child
from console.supervisor.guarding import Guarding
from console.supervisor.preparation import RestoreUnfinished, require_no_restore_aside
from console.tests.waiting import wait_until


@pytest.fixture
def guarding() -> Iterator[Guarding]:
    """A guard for the children of a test."""
    with closing(Guarding()) as guarding:
        yield guarding


def child_of(guarding: Guarding, program: str) -> Child:
    """A child that runs this Python program."""
    return Child(
        name="child", argv=[sys.executable, "-c", program], environment=os.environ, inherited=(), guarding=guarding
    )


def test_a_child_that_keeps_dying_waits_longer_each_time_up_to_half_a_minute(guarding: Guarding) -> None:
    """1, 2, 4, 8, 16 and then 30 seconds: nothing spins."""
    child = child_of(guarding, "raise SystemExit(3)")
    waits = []
    for _ in range(7):
        child.start()
        wait_until(lambda: child.has_ended, timeout_seconds=10, what="the end of the child")
        assert child.take_death() == 3
        waits.append(child.backoff_seconds)

    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert not child.is_due


def test_a_death_is_told_once(guarding: Guarding) -> None:
    """The loop says it once, however often it looks."""
    child = child_of(guarding, "")
    child.start()
    wait_until(lambda: child.has_ended, timeout_seconds=10, what="the end of the child")

    assert [child.take_death(), child.take_death()] == [0, None]


def test_a_child_leads_a_session_of_its_own(guarding: Guarding) -> None:
    """Ctrl-C at the terminal reaches the supervisor alone, which then stops its children in order."""
    child = child_of(guarding, "import time; time.sleep(60)")
    child.start()
    assert child._process is not None

    group = os.getpgid(child._process.pid)
    child.kill()

    assert group != os.getpgid(0)
    assert child.has_ended


def test_a_storage_is_held_by_one_process_and_free_after_it(tmp_path: Path) -> None:
    """The second is refused by name; after the first has let go, the storage is free."""
    with (
        storage_lock.held(storage=tmp_path / "new", address="http://127.0.0.1:1/"),
        pytest.raises(storage_lock.StorageInUse, match=rf"process {os.getpid()} at http://127\.0\.0\.1:1/"),
        storage_lock.held(storage=tmp_path / "new", address="http://127.0.0.1:2/"),
    ):
        pass

    with storage_lock.held(storage=tmp_path / "new", address="http://127.0.0.1:3/"):
        assert "127.0.0.1:3" in (tmp_path / "new" / "up.lock").read_text()


def test_a_storage_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    """The lock is the kernel's: a crash leaves nothing to tidy up."""
    program = (
        "import sys, time; from pathlib import Path; from console.supervisor import storage_lock\n"
        "with storage_lock.held(storage=Path(sys.argv[1]), address='x'): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(storage_lock.StorageInUse, match=f"process {holder.pid}"),
        storage_lock.held(storage=tmp_path, address="y"),
    ):
        pass

    holder.kill()
    holder.wait()
    holder.stdout.close()

    with storage_lock.held(storage=tmp_path, address="y"):
        assert f"process {os.getpid()}" in (tmp_path / "up.lock").read_text()


def test_the_system_chooses_a_port_when_asked() -> None:
    """Port 0 is any free one, and the address says which."""
    with address.listen(port=0) as listener:
        port = listener.getsockname()[1]

        assert address.url_of(listener) == f"http://127.0.0.1:{port}/"


def test_nothing_is_ready_before_it_answers() -> None:
    """A port without a server behind it is no console; it is taken, so nobody else has one there meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not address.answers(port=taken.getsockname()[1], host="localhost", is_behind_https=False)


def test_nothing_starts_on_half_of_a_restored_installation(tmp_path: Path, settings: Settings) -> None:
    """What a killed restore left aside is named, with what to do; an ordinary storage starts."""
    settings.STORAGE = tmp_path
    require_no_restore_aside()
    (tmp_path / ".restoring").mkdir()

    with pytest.raises(RestoreUnfinished, match="restore again"):
        require_no_restore_aside()
