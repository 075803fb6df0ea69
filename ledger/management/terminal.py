"""What commands show while they work: a progress bar on a terminal, and elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils.translation import gettext
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from console.kernel.errors import GatehouseError
from ledger import LedgerError

QUIET_SECONDS = 3.0
EXIT_SOUND, EXIT_BROKEN, EXIT_ERROR = 0, 1, 4


@contextmanager
def progress_bar(*, title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error if that is a terminal, else a line for each tenth of what takes longer than seconds.

    The caller reports done and total.
    """
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress without a terminal: nothing for what is done soon."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._tenths = 0
        self._began = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else 10
        if tenths > self._tenths and time.monotonic() - self._began > QUIET_SECONDS:
            sys.stderr.write(f"{self._title}: {10 * tenths} %\n")
            self._tenths = tenths


def said(error: LedgerError | GatehouseError) -> str:
    """A refusal as a sentence in the language of the command."""
    return gettext(error.message) % error.params
