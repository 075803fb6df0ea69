"""`ledger verify`: read everything, change nothing, say whether it is what was written."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext

from ledger import verify
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar
from ledger.management.verbs.common import add_journal, journal_of

HELP = "Checks checksums, chain, order, seals and end of a journal. Exit 0 sound, 1 damaged."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Print what was read and where it is wrong."""
    path = journal_of(options)
    with progress_bar(title=gettext("Verifying")) as progress:
        report = verify(path=path, progress=progress)
    out.write(f"{path}: {report.events:,} events in {report.segments:,} segments, head {report.head.seq}")
    out.write(f"head hash {report.head.hash}")
    for problem in report.problems:
        out.write(
            f"{problem.what}: segment {problem.segment} line {problem.line} offset {problem.offset}: "
            f"expected {problem.expected}, found {problem.found}"
        )
    if report.torn_bytes:
        out.write(f"{report.torn_bytes:,} bytes at the end were never confirmed; recovery cuts them off.")
    if not report.is_end_proven:
        out.write(gettext("end not provable: there is no durable mark"))
    out.write(gettext("sound") if report.is_sound else gettext("DAMAGED"))
    return EXIT_SOUND if report.is_sound else EXIT_BROKEN
