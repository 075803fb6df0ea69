"""`manage.py check_invariants [JOURNAL]`: every invariant of a journal, ours or legacy, one line each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext

from ledger import LedgerError, check_invariants
from ledger.conf import live_journal
from ledger.credits.invariants import printed
from ledger.management.terminal import EXIT_BROKEN, EXIT_ERROR, progress_bar, said


class Command(BaseCommand):
    """The same check as `python -m ledger.credits.invariants`, with the live journal as default."""

    help = "Checks a journal against every invariant. Exit 0 all hold, 1 one does not, 2 usage, 4 cannot be read."
    requires_system_checks: list[str] = []  # a damaged journal is what this is for

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the journal."""
        parser.add_argument(
            "journal", nargs="?", type=Path, help="directory, segment file or legacy file (default: the live journal)"
        )

    def handle(self, *_: Any, journal: Path | None, **__: Any) -> None:
        """Check and print; the exit code is the answer for scripts."""
        try:
            with progress_bar(title=gettext("Checking")) as progress:
                report = check_invariants(journal or live_journal(), progress=progress)
        except LedgerError as error:
            self.stderr.write(said(error))
            sys.exit(EXIT_ERROR)
        for line in printed(report, translate=gettext):
            self.stdout.write(line)
        if not report.is_held:
            sys.exit(EXIT_BROKEN)
