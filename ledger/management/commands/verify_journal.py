"""`manage.py verify_journal JOURNAL --place DIRECTORY [--live]`: what the console starts to verify a journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.verifying.standing import Place
from ledger.verifying.starting import carry_out

NICENESS = 10


class Command(BaseCommand):
    """Holds the lock it inherited until it ends; `ledger verify` and `check_invariants` are the ones for people."""

    help = "Verifies a journal for the console, which shows the progress. People use `ledger verify`."
    requires_system_checks: list[str] = []  # a damaged journal is what this is for

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the journal and where its progress is kept."""
        parser.add_argument("journal", type=Path, help="directory of the journal")
        parser.add_argument("--place", type=Path, required=True, help="directory of progress and outcome")
        parser.add_argument("--live", action="store_true", help="put the outcome on record for releases")

    def handle(self, *_: Any, journal: Path, place: Path, live: bool, **__: Any) -> None:
        """Read it, behind everything that serves people."""
        os.nice(NICENESS)
        carry_out(journal, place=Place(place), is_live=live)
