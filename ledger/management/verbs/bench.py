"""`ledger bench`: how fast a journal is on this machine, beside the machine's own floor and its peers."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from ledger.bench import ROWS, run_bench, table
from ledger.credits.state import CreditState
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND

HELP = "Measures the journal beside a bare write and fdatasync. Exit 0 every target reached, 1 one is short."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare where, what and how long."""
    parser.add_argument("--directory", type=Path, help="on the file system to measure (default: the storage)")
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this row; may be repeated")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each rate (default: 2)")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Measure in a temporary directory and print the table."""
    directory = options["directory"] or Path(settings.STORAGE)
    rows = run_bench(directory=directory, state_factory=CreditState, rows=options["row"], seconds=options["seconds"])
    out.write(table(rows))
    return EXIT_SOUND if all(row.is_reached for row in rows) else EXIT_BROKEN
