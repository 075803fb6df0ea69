"""Processes that cannot outlive the one that started them.

A process that works for a run sets PDEATHSIG to SIGKILL and then looks whether its parent is still the one it was
started by: the kernel's signal covers a death from then on, the look covers a death before. The kernel ties the
signal to the *thread* that started the child, so children are started from a thread that lives as long as they may
(the main thread).
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PARENT_VARIABLE = "GATEHOUSE_PARENT_PID"
ROOT = Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1


def start_bound_child(
    argv: Sequence[str],
    *,
    directory: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    is_session: bool = False,
    stdin: int | IO[Any] | None = subprocess.PIPE,
    stdout: int | IO[Any] | None = subprocess.PIPE,
    stderr: int | IO[Any] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` and tell it by the environment whose child it is, so that it can die with this process.

    The child itself calls `die_with_parent` first thing. With `is_session` it leads a session and process group of
    its own, which `kill_group` ends together with everything in it. Raises OSError when the program cannot be
    started.
    """
    inherited = dict(os.environ if environment is None else environment)
    inherited[PARENT_VARIABLE] = str(os.getpid())
    return subprocess.Popen(
        list(argv),
        cwd=directory,
        env=inherited,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=is_session,
        close_fds=True,
    )


def die_with_parent(*, parent_pid: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent dies, and exit at once when that has happened already.

    `parent_pid` is who started this process; without it the environment says so, and without that (a person at a
    terminal) the present parent counts. Raises OSError when the kernel refuses.
    """
    if parent_pid is None:
        parent_pid = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if os.getppid() != parent_pid:
        os._exit(1)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL the process group that `child` leads, then reap `child`. Nothing happens to a group that is gone."""
    if child.returncode is None:
        # The whole group may end between the look at returncode and the signal; then only reaping is left.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class ForkedChild:
    """A process that was forked from this one, with a pipe each way."""

    def __init__(self, *, pid: int, stdin: int, stdout: int) -> None:
        """`stdin` is what this process writes to, `stdout` what it reads from."""
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.exit_code: int | None = None
        self._pidfd = os.pidfd_open(pid)

    def wait(self, *, timeout_seconds: float | None = None) -> int | None:
        """Its exit code (minus the signal that ended it), or None when it still runs after the timeout."""
        if self.exit_code is None:
            ready, _, _ = select.select([self._pidfd], [], [], timeout_seconds)
            if not ready:
                return None
            _, status = os.waitpid(self.pid, 0)
            self.exit_code = os.waitstatus_to_exitcode(status)
            for descriptor in (self._pidfd, self.stdin, self.stdout):
                os.close(descriptor)
        return self.exit_code

    def signal_kill(self) -> None:
        """SIGKILL it when it still runs; what it wrote before can still be read."""
        if self.exit_code is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def discard(self) -> None:
        """SIGKILL it when it still runs, reap it and close the pipes."""
        self.signal_kill()
        self.wait()


def fork_bound_child(body: Callable[[int, int], int]) -> ForkedChild:
    """Fork a process that runs `body(stdin, stdout)` and exits with what it returns; it dies with this process.

    A fork starts in milliseconds where a new interpreter imports for a third of a second. The child has none of
    this process' descriptors but the standard ones and its own two pipes, so nothing it holds keeps a pipe of
    somebody else open. To be called from the main thread while no other runs: a lock another thread holds would
    stay held in the child.
    """
    assert threading.active_count() == 1, "fork only while this process has one thread"
    child_stdin, own_stdin = os.pipe()
    own_stdout, child_stdout = os.pipe()
    parent_pid = os.getpid()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            die_with_parent(parent_pid=parent_pid)
            _close_all_but(child_stdin, child_stdout)
            code = body(child_stdin, child_stdout)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - the child must never return into its parent's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(child_stdin)
    os.close(child_stdout)
    return ForkedChild(pid=pid, stdin=own_stdin, stdout=own_stdout)


def _close_all_but(*kept: int) -> None:
    """Close every descriptor from 3 on except `kept`, and read from nothing: stdin is the parent's."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the directory's own descriptor is among them
        descriptor = int(name)
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def is_running(pid: int) -> bool:
    """Whether a process with this id exists and is not a zombie (a zombie runs nothing and holds nothing)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}
