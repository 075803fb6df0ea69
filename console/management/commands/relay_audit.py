"""`manage.py relay_audit`: bring the governance journal up to the audit chain, or begin a new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.kernel import governance_journal
from console.kernel.checks import INSTALLATION
from ledger import LedgerError

ERROR = 4


class Command(BaseCommand):
    """The console relays by itself; this is for after a repair. Exit codes: 0 nothing is pending, 4 something is."""

    requires_system_checks = [INSTALLATION]
    help = "Relays what the governance journal does not hold yet."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--begin-anew`."""
        parser.add_argument(
            "--begin-anew",
            metavar="REASON",
            default="",
            help="begin a new journal instead of one that is lost or damaged; the audit chain tells why",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Relay, and say how far it went."""
        try:
            governance_journal.begin(reason=options["begin_anew"].strip())
            state = governance_journal.state()
        except (LedgerError, OSError) as error:
            raise CommandError(str(error), returncode=ERROR) from error
        finally:
            governance_journal.close()
        if state.is_behind:
            reason = state.failure or f"{state.pending} entries are pending"
            raise CommandError(str(reason), returncode=ERROR)
        self.stdout.write(f"The governance journal holds the {state.relayed} entries of the audit chain.")
