"""`manage.py backup DIR`: database, journals, evidence and keys as of one moment, while the console works."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from console.backups import make_backup
from console.kernel.checks import INSTALLATION
from console.kernel.errors import GatehouseError
from ledger import LedgerError
from ledger.management.terminal import said

WARNED, ERROR = 1, 4


class Command(BaseCommand):
    """The directory holds private keys: it is for its owner alone (0700) and belongs on another disk."""

    requires_system_checks = [INSTALLATION]
    help = (
        "Saves everything that must be kept into a new directory. "
        "Exit 0 done, 1 done but some evidence was damaged before, 4 not done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the directory."""
        parser.add_argument("directory", type=Path, help="a directory that does not exist yet")

    def handle(self, *_: Any, directory: Path, **__: Any) -> None:
        """Save and name the digest, which stands for the whole backup."""
        os.umask(0o077)
        try:
            backup = make_backup(target=directory, say=self.stdout.write)
        except (GatehouseError, LedgerError) as refusal:
            raise CommandError(said(refusal), returncode=ERROR) from refusal
        except (OSError, sqlite3.Error) as error:
            raise CommandError(str(error), returncode=ERROR) from error
        self.stdout.write(f"{backup.path}: {len(backup.contents.files):,} files, digest {backup.digest}")
        if backup.warnings:
            raise CommandError(
                gettext("Saved, but not everything was sound: %(what)s") % {"what": "; ".join(backup.warnings)},
                returncode=WARNED,
            )
