"""What commands show while they work: a progress bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils.translation import gettext
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from console.kernel.errors import GatehouseError
from ledger import LedgerError

EXIT_SOUND, EXIT_BROKEN, EXIT_ERROR = 0, 1, 4


@contextmanager
def progress_bar(*, title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error when that is a terminal: the caller reports done and total, or gets None."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def said(error: LedgerError | GatehouseError) -> str:
    """A refusal as a sentence in the language of the command."""
    return gettext(error.message) % error.params
