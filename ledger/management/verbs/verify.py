"""`ledger verify`: read everything, change nothing, say whether it is what was written."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import deque
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ledger import Event, verify
from ledger.engine.segment import SEALED
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar
from ledger.management.verbs.common import add_journal, journal_of

HELP = "Checks checksums, chain, order, seals and end of a journal. Exit 0 sound, 1 damaged."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Print what was read and where it is wrong."""
    path = journal_of(options)
    last: deque[Event] = deque(maxlen=1)
    with progress_bar(title=gettext("Verifying")) as progress:
        report = verify(path=path, progress=progress, take=last.append)
    out.write(f"{path}: {report.events:,} events in {report.segments:,} segments, head {report.head.seq}")
    out.write(f"head hash {report.head.hash}")
    for problem in report.problems:
        out.write(
            f"{problem.what}: segment {problem.segment} line {problem.line} offset {problem.offset}: "
            f"expected {problem.expected}, found {problem.found}"
        )
    if report.torn_bytes:
        out.write(f"{report.torn_bytes:,} bytes at the end were never confirmed; recovery cuts them off.")
    out.write(gettext("sound") if report.is_sound else gettext("DAMAGED"))
    is_sealed = path.is_file() and bool(last) and last[0].type == SEALED
    if not report.is_end_proven and not is_sealed:
        out.write(_open_question(path))
    return EXIT_SOUND if report.is_sound else EXIT_BROKEN


def _open_question(path: Path) -> str:
    """What this reading could not answer; it stands last, so that nobody takes the exit code for more than it is."""
    if path.is_file():
        return gettext(
            "one question could not be answered: whether the tail was cut cannot be told from one segment alone. "
            "Verify the journal's directory, which holds the durable mark."
        )
    return gettext("one question could not be answered: whether the tail was cut, since there is no durable mark.")
