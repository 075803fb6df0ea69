"""`manage.py ledger VERB`: what an operator does with a journal. Each verb is a module of ledger.management.verbs."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from console.kernel.errors import GatehouseError
from ledger import LedgerError
from ledger.management.terminal import EXIT_ERROR, said
from ledger.management.verbs import VERBS


class Command(BaseCommand):
    """Exit 0 done and sound, 1 something in the journal is broken, 2 usage, 4 error."""

    help = f"Works with a journal: {', '.join(VERBS)}."
    requires_system_checks: list[str] = []  # an operator looks at a journal when something is wrong

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, verb in VERBS.items():
            verb.add_arguments(verbs.add_parser(name, help=verb.HELP, description=verb.HELP))

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Run the verb; a refusal is one sentence."""
        try:
            code = VERBS[verb].run(out=self.stdout, err=self.stderr, options=options)
        except (LedgerError, GatehouseError) as error:
            self.stderr.write(said(error))
            code = EXIT_ERROR
        except OSError as error:
            self.stderr.write(str(error))
            code = EXIT_ERROR
        except KeyboardInterrupt:
            code = 128 + 2
        if code:
            sys.exit(code)
