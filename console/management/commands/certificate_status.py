"""`manage.py certificate_status [FILE]`: how all certificates stand now, signed, for those who verify elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext

from console.actions.certificates import signed_status
from console.kernel.checks import INSTALLATION
from console.kernel.errors import GatehouseError


class Command(BaseCommand):
    """It counts for 24 hours: publish it anew at least once a day."""

    requires_system_checks = [INSTALLATION]
    help = "Writes a signed list of how every certificate stands: it counts for 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file."""
        parser.add_argument("file", nargs="?", type=Path, help="where to write it (default: standard output)")

    def handle(self, *_: Any, file: Path | None, **__: Any) -> None:
        """Write one line of JSON. A refusal is one sentence and exit code 1."""
        try:
            text = signed_status(now=timezone.now())
        except GatehouseError as refusal:
            raise CommandError(refusal.said(gettext)) from refusal
        if file is None:
            self.stdout.write(text)
            return
        try:
            file.write_text(f"{text}\n")
        except OSError as error:
            self.stderr.write(str(error))
            sys.exit(4)
