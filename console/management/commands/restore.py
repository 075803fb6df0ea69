"""`manage.py restore DIR`: a backup into the empty storage of this installation, and a look whether all is well."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from console.backups import restore
from console.kernel.errors import GatehouseError
from console.supervisor import storage_lock
from ledger import LedgerError
from ledger.management.terminal import said

WRONG, ERROR = 1, 4


class Command(BaseCommand):
    """Nothing is overwritten: the storage must be new, and no console may work on it."""

    help = (
        "Restores a backup into an empty storage (GATEHOUSE_STORAGE) and checks audit trail, journals, evidence and "
        "certificates. Exit 0 all is well, 1 restored but something is wrong, 4 not restored."
    )
    requires_system_checks: list[str] = []  # there is no database yet

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the directory."""
        parser.add_argument("directory", type=Path, help="a directory that `backup` made")

    def handle(self, *_: Any, directory: Path, **__: Any) -> None:
        """Restore, say what was checked, then what is wrong."""
        os.umask(0o077)
        try:
            with storage_lock.held(storage=settings.STORAGE, address="restore"):
                restored = restore(source=directory, say=self.stdout.write)
        except (GatehouseError, LedgerError) as refusal:
            raise CommandError(said(refusal), returncode=ERROR) from refusal
        except (OSError, sqlite3.Error, storage_lock.StorageInUse) as error:
            raise CommandError(str(error), returncode=ERROR) from error
        for finding in restored.findings:
            self.stdout.write(f"WRONG: {finding}")
        if restored.findings:
            raise CommandError(gettext("Restored, but not everything is as it should be."), returncode=WRONG)
        self.stdout.write(gettext("Restored, and everything is as it was. Start it with `manage.py up`."))
