"""Processes that cannot outlive the one that started them. Each case runs in a process of its own, which may fork."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from console.tests.waiting import PATIENT_SECONDS, until
from testruns.processes import ROOT, fork_bound_child, is_running, kill_group, start_bound_child


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENT_SECONDS,
        check=False,
    )


def test_a_forked_child_talks_over_its_pipes_and_ends_with_its_own_code() -> None:
    """What it returns is its exit code; what it reads and writes are its two pipes."""
    done = python("""
        import os
        from testruns.processes import fork_bound_child
        def body(stdin, stdout):
            os.write(stdout, os.read(stdin, 10).upper())
            return 7
        child = fork_bound_child(body)
        os.write(child.stdin, b"hello")
        print(os.read(child.stdout, 10), child.wait(), child.wait())
    """)

    assert done.stdout.strip() == "b'HELLO' 7 7"


def test_a_forked_child_holds_nothing_of_its_parent_open() -> None:
    """Neither files nor the pipes of its brothers: their ends would never be seen."""
    done = python("""
        import os
        from testruns.processes import fork_bound_child
        kept = open("/dev/null")
        first = fork_bound_child(lambda stdin, stdout: os.read(stdin, 1) and 0)
        def count(stdin, stdout):
            os.write(stdout, str(sorted(os.listdir("/proc/self/fd"))).encode())
            return 0
        second = fork_bound_child(count)
        print(len(eval(os.read(second.stdout, 1000))))
        second.wait(); first.discard()
    """)

    # 0, 1, 2, two pipes and the listing itself.
    assert done.stdout.strip() == "6", done.stderr


def test_an_exception_in_a_forked_child_is_its_traceback_and_exit_code_1() -> None:
    """It never returns into the code of its parent."""
    done = python("""
        from testruns.processes import fork_bound_child
        def body(stdin, stdout):
            raise LookupError("in the child")
        child = fork_bound_child(body)
        print("parent", child.wait())
    """)

    assert done.stdout.strip() == "parent 1"
    assert "LookupError: in the child" in done.stderr


def test_a_forked_child_that_exits_by_itself_keeps_its_code() -> None:
    """SystemExit is an answer, not a failure."""
    done = python("""
        import sys
        from testruns.processes import fork_bound_child
        child = fork_bound_child(lambda stdin, stdout: sys.exit(5))
        print(child.wait())
    """)

    assert done.stdout.strip() == "5"


def test_waiting_for_a_child_ends_at_the_timeout_and_discarding_kills_it() -> None:
    """A killed child's code is minus the signal."""
    done = python("""
        import signal
        from testruns.processes import fork_bound_child
        child = fork_bound_child(lambda stdin, stdout: signal.pause() or 0)
        print(child.wait(timeout_seconds=0.1))
        child.discard()
        print(child.exit_code)
    """)

    assert done.stdout.split() == ["None", "-9"]


def test_forking_beside_another_thread_is_a_mistake() -> None:
    """A lock the other thread holds would stay held in the child."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with pytest.raises(AssertionError, match="one thread"):
            fork_bound_child(lambda *_: 0)
    finally:
        over.set()
        thread.join()


def test_a_bound_child_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also one in a session of its own, and what it forked."""
    code = """
        import pathlib, signal, sys
        from testruns.processes import die_with_parent, fork_bound_child, start_bound_child
        if len(sys.argv) > 1:
            die_with_parent()
            child = fork_bound_child(lambda stdin, stdout: signal.pause() or 0)
            print(child.pid, flush=True)
            signal.pause()
        child = start_bound_child([sys.executable, __file__, "child"], is_session=True)
        print(child.pid, child.stdout.readline().decode(), flush=True)
        signal.pause()
    """
    script = tmp_path / "parent.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + textwrap.dedent(code))
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child, grandchild = (int(pid) for pid in parent.stdout.readline().split())

    parent.kill()
    parent.communicate()

    until(lambda: not is_running(child) and not is_running(grandchild), seconds=30)


def test_a_child_whose_parent_died_before_it_looked_ends_at_once() -> None:
    """The kernel's signal comes too late for it; the look at the parent does not."""
    done = python("""
        from testruns.processes import die_with_parent
        die_with_parent(parent_pid=1_000_000_000)
        print("still here")
    """)

    assert (done.returncode, done.stdout) == (1, "")


def test_killing_a_group_twice_or_after_its_end_is_nothing_special() -> None:
    """Whoever cleans up need not know what happened before."""
    child = start_bound_child([sys.executable, "-c", ""], is_session=True)
    child.communicate()

    kill_group(child)
    kill_group(child)

    assert child.returncode == 0


def test_a_zombie_is_not_running() -> None:
    """It waits to be reaped and does nothing else."""
    child = subprocess.Popen([sys.executable, "-c", ""])

    until(lambda: not is_running(child.pid), seconds=30)

    assert child.poll() == 0
