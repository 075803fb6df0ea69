"""`manage.py verify_certificate FILE`: is it genuine, and does it still hold? A plain list of what was checked."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext

from console.certificate.check import EXIT_NOT_IN_FORCE, EXIT_WRONG, Checked, check_certificate
from console.certificate.status import Status, StatusRefused, read_status
from console.certificates import status_now, trusted_keys
from console.dsse import EnvelopeRefused
from console.kernel.errors import GatehouseError
from console.signing_keys import read_public_keys
from ledger import gettext_noop

EXIT_ERROR = 4
Keys = dict[str, Ed25519PublicKey]
VERDICTS = {
    0: gettext_noop("GENUINE, and within its own dates."),
    EXIT_WRONG: gettext_noop("WRONG: this proves nothing."),
    EXIT_NOT_IN_FORCE: gettext_noop("GENUINE, but NOT IN FORCE."),
}


class Command(BaseCommand):
    """With --key it works offline, on any machine, and asks no database; without, it asks this installation."""

    help = (
        "Checks a certificate (JSON, JSON lines or the whole bundle). Exit 0 genuine and within its dates, 1 wrong, "
        "cut, swapped or signed by another key, 3 lapsed, revoked, superseded, or unknown where it is required, "
        "2 usage, 4 cannot be read."
    )
    requires_system_checks: list[str] = []  # on another machine nothing of this installation is there

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file and what to trust."""
        parser.add_argument("file", type=Path, help="the certificate")
        parser.add_argument(
            "--key",
            type=Path,
            metavar="FILE",
            help="the trusted public key (PEM, or the list of the well-known address); default: this installation's",
        )
        parser.add_argument("--status", type=Path, metavar="FILE", help="a signed status file at most 24 hours old")
        parser.add_argument(
            "--require-status", action="store_true", help="not in force unless revocation and conditions are known"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print one line per check; the last one says whether revocation and conditions were checked."""
        now = timezone.now()
        try:
            content = options["file"].read_bytes()
            keys = read_public_keys(path=options["key"]) if options["key"] else trusted_keys()
            status = self._status(options, keys=keys, now=now)
        except EnvelopeRefused as refusal:
            self._refuse(refusal, exit_code=EXIT_WRONG)
        except StatusRefused as refusal:
            self._refuse(refusal, exit_code=EXIT_NOT_IN_FORCE)
        except GatehouseError as refusal:
            self._refuse(refusal, exit_code=EXIT_ERROR)
        except OSError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_ERROR)
        except DatabaseError as error:
            self.stderr.write(gettext("This installation cannot be asked (%(why)s): name --key FILE.") % {"why": error})
            sys.exit(EXIT_ERROR)
        self._print(
            check_certificate(
                content=content,
                keys=keys,
                now=now,
                status=status,
                is_status_required=options["require_status"],
            )
        )

    def _status(self, options: dict[str, Any], *, keys: Keys, now: datetime) -> Status | None:
        if options["status"]:
            return read_status(options["status"].read_bytes(), keys=keys, now=now)
        return None if options["key"] else status_now(now=now)

    def _print(self, checked: Checked) -> None:
        for check in checked.checks:
            self.stdout.write(f"[{gettext(check.result)}] {check.said(gettext)}")
        self.stdout.write(gettext(VERDICTS[checked.exit_code]))
        self.stdout.write(checked.last.said(gettext))
        if checked.exit_code:
            sys.exit(checked.exit_code)

    def _refuse(self, refusal: GatehouseError, *, exit_code: int) -> None:
        self.stderr.write(refusal.said(gettext))
        sys.exit(exit_code)
