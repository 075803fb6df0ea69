"""Processes that cannot outlive the one that started them.

A process that works for a run sets PDEATHSIG to SIGKILL and then looks whether its parent is still the one it was
started by: the kernel's signal covers a death from then on, the look covers a death before. The kernel ties the
signal to the *thread* that started the child, so children are started from a thread that lives as long as they may
(the main thread).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
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


def kill_child(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL one child that leads no group, reap it and close the pipes to it."""
    if child.poll() is None:
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None and not pipe.closed:
            close_quietly(pipe)


def close_quietly(pipe: IO[Any]) -> None:
    """Close a pipe whose other end may be gone.

    Bytes still buffered for a dead process have no reader and no meaning.
    """
    with contextlib.suppress(BrokenPipeError):
        pipe.close()


def is_running(pid: int) -> bool:
    """Whether a process with this id exists and is not a zombie (a zombie runs nothing and holds nothing)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}
