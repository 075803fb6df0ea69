"""`manage.py verify_audit`: is the audit trail what was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext

from console.kernel.audit import Head
from console.kernel.audit_heads import head_line, heads_in
from console.kernel.checks import INSTALLATION
from console.kernel.verification import Finding, Verification, verify_audit

WRONG, USAGE, ERROR = 1, 2, 4
_SHOWN_MAX = 100


class Command(BaseCommand):
    """Exit codes: 0 sound, 1 something is wrong and named, 2 usage, 4 it could not be checked."""

    requires_system_checks = [INSTALLATION]
    help = (
        "Recomputes the audit chain and the governance journal, compares them with each other, with the rows that are "
        "bound to them and with heads that left this machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--since`."""
        parser.add_argument(
            "--since",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="a report, certificate or export that left this machine earlier: the chain must still hold its head",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Verify and say what was checked, then what is wrong."""
        heads = tuple(head for path in options["since"] for head in _heads_of(path))
        try:
            verification = verify_audit(heads=heads)
        except (OSError, DatabaseError) as error:
            raise CommandError(f"The audit trail could not be checked: {error}", returncode=ERROR) from error
        self._tell(verification)
        if not verification.is_sound:
            raise CommandError(
                f"The audit trail was tampered with, or is damaged: {len(verification.findings)} findings.",
                returncode=WRONG,
            )
        self.stdout.write("Sound: nothing differs.")

    def _tell(self, verification: Verification) -> None:
        write = self.stdout.write
        write(f"Entries in the database, hashes and links recomputed: {verification.entries}")
        write(f"Events in the governance journal, chain recomputed and compared: {verification.journal_events}")
        write(f"Rows compared with the digests that the trail holds: {verification.rows}")
        write(f"Heads that left this machine, compared: {verification.heads}")
        write(head_line(verification.head))
        for finding in verification.findings[:_SHOWN_MAX]:
            write(_line(finding))
        if len(verification.findings) > _SHOWN_MAX:
            write(f"and {len(verification.findings) - _SHOWN_MAX} more")


def _line(finding: Finding) -> str:
    sentence = gettext(finding.template) % finding.params
    return f"WRONG, {finding.where}, entry {finding.index}: {sentence}" if finding.index else f"WRONG: {sentence}"


def _heads_of(path: Path) -> tuple[Head, ...]:
    try:
        heads = heads_in(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", returncode=USAGE) from error
    if not heads:
        raise CommandError(f"{path} names no head of an audit chain.", returncode=USAGE)
    return heads
