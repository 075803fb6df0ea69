"""`manage.py certificate_bundle DIGEST FILE`: a certificate with its manifest and all evidence, in one ZIP file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from console.actions.certificates import bundle_of
from console.kernel.checks import INSTALLATION
from console.kernel.errors import GatehouseError
from console.models import Certificate


class Command(BaseCommand):
    """What the certificate's page offers for download, for the owner of the shell."""

    requires_system_checks = [INSTALLATION]
    help = "Writes the bundle of a certificate: `verify_certificate` checks it anywhere with the public key alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the certificate and the file."""
        parser.add_argument("digest", help="digest of the certificate, or its first characters")
        parser.add_argument("file", type=Path, help="the file to write; it must not exist")

    def handle(self, *_: Any, digest: str, file: Path, **__: Any) -> None:
        """Write the file. A refusal is one sentence and exit code 1."""
        found = list(Certificate.objects.filter(digest__startswith=digest.lower())[:2])
        if len(found) != 1:
            raise CommandError(gettext("%(digest)s does not name exactly one certificate.") % {"digest": digest})
        try:
            with bundle_of(found[0]) as bundle, file.open("xb") as target:
                shutil.copyfileobj(bundle, target)
        except GatehouseError as refusal:
            raise CommandError(refusal.said(gettext)) from refusal
        except OSError as error:
            self.stderr.write(str(error))
            sys.exit(4)
        self.stdout.write(f"{file}: {file.stat().st_size:,} bytes")
