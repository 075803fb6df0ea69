"""Sampling: what is read of processes and machine is what they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from testruns.sampling import (
    MachineReading,
    Opened,
    Sample,
    Sampler,
    head_of_house,
    noise_between,
    read_house_ticks,
    read_machine,
    read_tree,
)

HOLDER = """
import os, sys
kept = bytearray(os.urandom(1_000_000) * 32)
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.read()
"""

WATCHER = """
import os, sys, threading
from testruns.sampling import read_tree

names = [sys.intern(f"name-{number}") for number in range(20_000)]

def watch():
    for look in range(3100):
        tree = read_tree(pid=os.getpid())
        if look == 100:
            begun = tree.rss_anon_bytes
    print(tree.rss_anon_bytes - begun)

thread = threading.Thread(target=watch)
thread.start()
thread.join()
"""
"""Prints what a watcher in a thread takes of memory after its first hundred looks, in a process of as many names as a
run's has."""

SUPERVISOR = """
import subprocess, sys
busy = "n = 0\\nwhile n < 3_000_000: n += 1\\nprint('worked', flush=True)\\nimport sys; sys.stdin.read()"
web = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
web.stdout.readline()
runner = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
sys.stdout.write(f"{web.pid} {runner.pid}\\n"); sys.stdout.flush()
sys.stdin.read()
"""
"""As `manage.py up`: a web server that works, and beside it what a run is done in."""


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[tuple[int, int, int]]:
    """The ids of a supervisor called manage.py, its web server, and the run's process."""
    program = tmp_path / "manage.py"
    program.write_text(SUPERVISOR)
    argv = [sys.executable, str(program), "up"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        web, runner = process.stdout.readline().split()
        yield process.pid, int(web), int(runner)
        os.killpg(process.pid, signal.SIGKILL)


def test_gatehouse_s_own_web_server_and_worker_are_not_foreign_to_a_run(supervised: tuple[int, int, int]) -> None:
    """The work of the web server beside the run is Gatehouse's own, and is counted as that."""
    supervisor, web, runner = supervised

    head = head_of_house(pid=runner)

    assert head == supervisor
    assert read_house_ticks(head=web) > 0
    assert read_house_ticks(head=head) >= read_house_ticks(head=web) + read_house_ticks(head=runner)


def test_what_started_gatehouse_is_foreign(supervised: tuple[int, int, int]) -> None:
    """The shell, or here the test, that called manage.py does not belong to it."""
    supervisor, _web, _runner = supervised

    assert head_of_house(pid=supervisor) == supervisor
    assert head_of_house(pid=os.getpid()) == os.getpid()


def test_the_memory_of_children_counts() -> None:
    """A child that holds 32 MB adds at least that to the tree."""
    before = read_tree(pid=os.getpid())

    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after = read_tree(pid=os.getpid())
        child.kill()

    assert child.pid in after.pids
    assert after.rss_anon_bytes - before.rss_anon_bytes > 32_000_000


def test_watching_takes_no_memory_of_its_own() -> None:
    """A watcher that interned the name of every file it reads would grow by 0.9 MB, at look 1,200 or so of half an hour
    of them, and the ledger would be blamed.
    """
    grown = subprocess.run([sys.executable, "-c", WATCHER], stdout=subprocess.PIPE, check=True)

    assert int(grown.stdout) < 400_000


def test_files_and_sockets_are_told_apart(tmp_path: Path) -> None:
    """Three files and two sockets more are three files and two sockets more."""
    before = read_tree(pid=os.getpid())

    files = [(tmp_path / str(number)).open("w") for number in range(3)]
    sockets = socket.socketpair()
    after = read_tree(pid=os.getpid())
    for file in files:
        file.close()
    for end in sockets:
        end.close()

    assert after.open_files - before.open_files == 3
    assert after.sockets - before.sockets == 2


def test_memory_is_what_psutil_would_say() -> None:
    """RssAnon of this process, within what moves between two looks."""
    rss = psutil.Process().memory_info().rss - psutil.Process().memory_info().shared

    assert read_tree(pid=os.getpid()).rss_anon_bytes >= rss - 5_000_000


def test_a_process_that_is_gone_counts_as_nothing() -> None:
    """It may end between being listed and being read."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    reading = read_tree(pid=child.pid)

    assert (reading.rss_anon_bytes, reading.open_files, reading.sockets) == (0, 0, 0)


@pytest.mark.parametrize(
    ("total", "steal", "programs", "own", "expected"),
    [
        (1000, 0, 400, 400, (0, 0)),
        (1000, 50, 400, 100, (50_000, 300_000)),
        (1000, 0, 100, 200, (0, 0)),
        (0, 0, 0, 0, (0, 0)),
        (10, 20, 30, 0, (1_000_000, 1_000_000)),
    ],
)
def test_noise_is_what_others_took(total: int, steal: int, programs: int, own: int, expected: tuple[int, int]) -> None:
    """Shares of the machine's time: stolen, and spent on programs that are not ours."""
    before = MachineReading(total_ticks=5, steal_ticks=6, program_ticks=7)
    after = MachineReading(total_ticks=5 + total, steal_ticks=6 + steal, program_ticks=7 + programs)

    noise = noise_between(before, after, own_ticks_before=3, own_ticks_after=3 + own)

    assert (noise.steal_ppm, noise.foreign_load_ppm) == expected


def test_the_machine_s_counters_only_grow() -> None:
    """Two readings, the later one not below the earlier."""
    before = read_machine()
    after = read_machine()

    assert after.total_ticks >= before.total_ticks
    assert after.steal_ticks >= before.steal_ticks


def test_what_is_open_is_named_and_the_run_s_own_directory_is_shortened(tmp_path: Path) -> None:
    """Segments differ in their number only, so they are one name."""
    opened = Opened(directory=tmp_path)
    segments = [(tmp_path / f"{number:020d}.jsonl").open("w") for number in range(3)]
    server = socket.create_server(("127.0.0.1", 0))

    opened.look((os.getpid(),))
    port = server.getsockname()[1]
    server.close()
    for segment in segments:
        segment.close()

    assert "<run>/#.jsonl" in opened.as_json()["files"]
    assert f"inet 127.0.0.1:{port} LISTEN" in opened.as_json()["sockets"]


def test_the_sampler_looks_regularly_and_once_more_at_the_end(tmp_path: Path) -> None:
    """However short the time was, there is a sample of it."""
    samples: list[Sample] = []
    enough = threading.Event()

    def take(sample: Sample) -> None:
        samples.append(sample)
        if len(samples) == 3:
            enough.set()

    sampler = Sampler(directory=tmp_path, interval_seconds=0.05, take=take)
    sampler.start()
    assert enough.wait(30)
    noise = sampler.stop()

    assert len(samples) >= 4
    assert [sample.elapsed_ms for sample in samples] == sorted(sample.elapsed_ms for sample in samples)
    assert 0 <= noise.foreign_load_ppm <= 1_000_000


def test_a_sampler_that_fails_says_so_when_it_is_stopped(tmp_path: Path) -> None:
    """A thread's exception does not end unseen."""

    def fail(_sample: Sample) -> None:
        raise LookupError("no room")

    sampler = Sampler(directory=tmp_path, interval_seconds=60, take=fail)
    sampler.start()

    with pytest.raises(LookupError, match="no room"):
        sampler.stop()
