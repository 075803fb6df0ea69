"""The child process of one attempt: started in a session of its own, read without waiting, ended with its whole group.

What it prints is kept as it comes in the attempt's directory, so that it is evidence even when this process dies. The
child dies with this process (`testruns.processes`); it therefore has to be started from the main thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from testruns.processes import kill_group, start_bound_child

from .limits import READ_BYTES, STDERR_BYTES_MAX, STOP_SECONDS
from .protocol import Conversation, ProtocolViolation

OUTPUT_NAME = "output.jsonl"
STDERR_NAME = "stderr.txt"
LEDGER_NAME = "ledger"
RUNNER_MODULE = "testruns.runner"
SECRET_VARIABLES = ("GATEHOUSE_SECRET_KEY", "DATABASE_URL")


class Child:
    """One running child. Use it in a with block: leaving the block ends the whole group, whatever happened."""

    def __init__(self, *, directory: Path, plan: Mapping[str, Any], module: str = RUNNER_MODULE) -> None:
        """Start `python -m module` and hand it the plan on stdin. OSError when it cannot be started."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a child is started from the main thread: it dies with the thread that started it")
        directory.mkdir(parents=True, exist_ok=True)
        self.conversation = Conversation(scenario=str(plan["scenario"]))
        self.violation: ProtocolViolation | None = None
        self._output = (directory / OUTPUT_NAME).open("xb", buffering=0)
        self._stderr = (directory / STDERR_NAME).open("xb", buffering=0)
        self._stderr_bytes = 0
        environment = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        self._process = start_bound_child(
            [sys.executable, "-m", module],
            environment=environment,
            is_session=True,
            stderr=subprocess.PIPE,
        )
        self._open = {_pipe(self._process.stdout): self._hear, _pipe(self._process.stderr): self._complain}
        for pipe in self._open:
            os.set_blocking(pipe.fileno(), False)
        self._hand_over(plan)

    @property
    def pid(self) -> int:
        """The process and group id."""
        return self._process.pid

    def take(self, *, timeout_seconds: float, also: Iterable[int] = ()) -> None:
        """Wait for output at most so long and take what is there; `violation` says when it breaks the protocol.

        `also` are further descriptors whose readiness ends the wait.
        """
        pipes = {pipe.fileno(): pipe for pipe in self._open}
        ready, _, _ = select.select([*pipes, *also], [], [], timeout_seconds)
        for descriptor in ready:
            if descriptor in pipes:
                self._read(pipes[descriptor])

    def has_ended(self) -> bool:
        """Whether the child itself is over. It is not reaped yet, so its group id cannot belong to anyone else."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return self._process.returncode is not None or os.waitid(os.P_PID, self.pid, flags) is not None

    def close(self) -> int:
        """The child has ended or has to: end everything in its group, take the last output, return the exit code.

        Negative: the signal that ended it.
        """
        self.kill()
        deadline = time.monotonic() + STOP_SECONDS
        while self._open and time.monotonic() < deadline:
            self.take(timeout_seconds=0.1)
        return self._process.wait()

    def kill(self) -> None:
        """SIGKILL to every process of the group, then reap the child."""
        if self._process.returncode is None:
            _kill_members(self.pid)
        kill_group(self._process)

    def __enter__(self) -> Self:
        """The child runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the group and close every file."""
        self.kill()
        for pipe in list(self._open):
            self._forget(pipe)
        self._output.close()
        self._stderr.close()

    def _hand_over(self, plan: Mapping[str, Any]) -> None:
        stdin = _pipe(self._process.stdin)
        # A child that died before it read its plan says why by its exit code and stderr.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(plan).encode() + b"\n")
            stdin.close()

    def _read(self, pipe: IO[bytes]) -> None:
        content = os.read(pipe.fileno(), READ_BYTES)
        self._open[pipe](content)
        if not content:
            self._forget(pipe)

    def _hear(self, content: bytes) -> None:
        """Keep and understand the output; empty is its end. After a violation nothing more is kept."""
        if self.violation is not None:
            return
        self._output.write(content)
        try:
            self.conversation.feed(content) if content else self.conversation.finish()
        except ProtocolViolation as violation:
            self.violation = violation

    def _complain(self, content: bytes) -> None:
        room = STDERR_BYTES_MAX - self._stderr_bytes
        self._stderr_bytes += len(content)
        if room > 0:
            self._stderr.write(content[:room])
        if self._stderr_bytes > STDERR_BYTES_MAX >= self._stderr_bytes - len(content):
            self._stderr.write(b"\n[cut: more than 1 MiB on stderr]\n")

    def _forget(self, pipe: IO[bytes]) -> None:
        del self._open[pipe]
        pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "all three pipes were asked for"
    return pipe


def _kill_members(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # nobody is left
        os.killpg(group, signal.SIGKILL)
