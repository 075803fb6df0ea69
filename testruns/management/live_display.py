"""What `run_live_tests` shows while it works: a progress bar on a terminal, one plain line per scenario elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from testruns.actions.protocol import Conversation
from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState
from testruns.wording import said_error

BAR_MAX = 1_000_000


class Display(Protocol):
    """Something that shows executions one after the other."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def begin(self, execution: ScenarioExecution, *, count: int) -> None:
        """This execution comes next; `count` of them make the run."""

    def listen(self, said: Conversation) -> None:
        """What the child has said so far."""

    def end(self, execution: ScenarioExecution) -> None:
        """It has ended; the row says how."""


def display_for(*, write: Callable[[str], object]) -> Display:
    """Bars when stderr is a terminal, so that stdout stays the record; otherwise lines by `write`."""
    return _Bars() if sys.stderr.isatty() else _Lines(write=write)


class _Lines:
    def __init__(self, *, write: Callable[[str], object]) -> None:
        self._write = write
        self._began = 0.0
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, execution: ScenarioExecution, *, count: int) -> None:
        self._began, self._count = time.monotonic(), count

    def listen(self, said: Conversation) -> None:
        return None

    def end(self, execution: ScenarioExecution) -> None:
        seconds = time.monotonic() - self._began
        self._write(f"[{execution.position}/{self._count}] {_named(execution)} {execution.state} in {seconds:.1f} s")
        if execution.error:
            self._write(f"      {_why(execution)}")


class _Bars:
    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(stderr=True),
        )
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, execution: ScenarioExecution, *, count: int) -> None:
        description = f"[{execution.position}/{count}] {_named(execution)}".replace("[", r"\[", 1)
        self._task = self._progress.add_task(description, total=BAR_MAX, text="")

    def listen(self, said: Conversation) -> None:
        self._progress.update(self._task, completed=said.progress_ppm, text=said.progress_text)

    def end(self, execution: ScenarioExecution) -> None:
        done = BAR_MAX if execution.state == ExecutionState.FINISHED.value else execution.progress_ppm
        self._progress.update(self._task, completed=done, text=f"{execution.state} {_why(execution)}".strip())


def _why(execution: ScenarioExecution) -> str:
    return said_error(template=execution.error, params=execution.error_params)


def _named(execution: ScenarioExecution) -> str:
    return f"{execution.scenario} at {execution.concurrency}"
