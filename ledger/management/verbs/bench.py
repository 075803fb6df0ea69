"""`ledger bench`: how fast a journal is on this machine, beside the machine's own floor and its peers."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from ledger.bench.row import is_short, json_of, markdown_of, text_of
from ledger.bench.stage import SHORT, WHOLE
from ledger.bench.table import PEER_ROWS, ROWS, run_bench, run_endurance
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND

HELP = "Measures the journal beside a bare write and fdatasync. Exit 0 every target reached, 1 one is short."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare where, what, how long, beside whom."""
    parser.add_argument("--directory", type=Path, help="on the file system to measure (default: the storage)")
    parser.add_argument("--row", action="append", choices=[*ROWS, *PEER_ROWS], help="only this; may be repeated")
    parser.add_argument("--peers", action="store_true", help="also SQLite and eventsourcing, in turns with ours")
    parser.add_argument(
        "--endurance",
        type=float,
        metavar="MINUTES",
        help="instead: millions of events, and so many minutes of 10,000 events a second",
    )
    parser.add_argument("--seconds", type=float, default=WHOLE.seconds, help="time for each rate (default: 2)")
    parser.add_argument("--short", action="store_true", help="small sizes: every row is tried, none means anything")
    parser.add_argument("--markdown", action="store_true", help="print the table for a README")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows into a file")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Measure in temporary directories and print the table."""
    directory = options["directory"] or Path(settings.STORAGE)
    sizes = SHORT if options["short"] else WHOLE._replace(seconds=options["seconds"])
    if options["endurance"] is not None:
        found = run_endurance(directory=directory, minutes=options["endurance"], say=err.write, sizes=sizes)
    else:
        found = run_bench(directory=directory, rows=options["row"], with_peers=options["peers"], sizes=sizes)
    rows = []
    for row in found:
        rows.append(row)
        err.write(f"{row.name}: {row.verdict}")
    out.write(markdown_of(rows) if options["markdown"] else text_of(rows))
    if options["json"] is not None:
        options["json"].write_bytes(json_of(rows))
    return EXIT_BROKEN if is_short(rows) else EXIT_SOUND
