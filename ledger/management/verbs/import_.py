"""`ledger import --legacy FILE`: a journal of the original system into a new one, every fault named at its line."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ledger.actions import import_journal
from ledger.credits.legacy import ImportRefused
from ledger.credits.legacy_reading import LegacyProblem
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar, said
from ledger.management.verbs.common import actor_of, add_person

HELP = "Imports a legacy journal. Exit 0 imported and sound, 1 lines break an invariant (with --strict: not imported)."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the file and how strict to be."""
    parser.add_argument("--legacy", type=Path, required=True, metavar="FILE", help="the JSONL file to import")
    parser.add_argument("--strict", action="store_true", help="import nothing when a line breaks an invariant")
    add_person(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Import and print the report."""
    actor = actor_of(options)
    source, is_strict = options["legacy"], options["strict"]
    try:
        with progress_bar(title=gettext("Importing")) as progress:
            done = import_journal(actor=actor, source=source, is_strict=is_strict, progress=progress)
    except ImportRefused as refusal:
        for fault in refusal.faults:
            out.write(_line(fault))
        err.write(said(refusal))
        return EXIT_BROKEN
    report = done.report
    out.write(
        gettext("%(source)s: %(lines)s lines, %(imported)s imported into %(journal)s")
        % {
            "source": report.source,
            "lines": f"{report.line_count:,}",
            "imported": f"{report.imported_count:,}",
            "journal": done.journal,
        }
    )
    for fault in report.faults:
        out.write(_line(fault))
        for consequence in report.consequences_of(fault.line):
            out.write("    " + _line(consequence))
    count = len(report.faults)
    out.write(
        gettext("Lines that break an invariant: %(count)s.") % {"count": f"{count:,}"} if count else gettext("sound")
    )
    return EXIT_BROKEN if count else EXIT_SOUND


def _line(problem: LegacyProblem) -> str:
    line = gettext("line")
    return f"{line} {problem.line}: {gettext(problem.message) % problem.params} [{problem.code}]"
