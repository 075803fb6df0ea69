"""`ledger seal`: close the active segment now, whatever its size; what is in it never changes again.

A seal of the live journal stands in the audit trail.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ledger import Event, Ledger
from ledger.actions import label_of
from ledger.conf import live_journal
from ledger.engine.segment import SEALED
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of, require_database
from ledger.operations import seal_live_journal

HELP = "Seals the active segment now and opens the next one; nothing happens when it holds no event yet."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Seal beside whoever writes, and say what was."""
    path = journal_of(options).absolute()
    if path == live_journal().absolute():
        require_database()
        seal = seal_live_journal(by=label_of(None))
    else:
        seal = _seal(path)
    if seal is None:
        out.write(gettext("The active segment holds no event yet; there is nothing to seal."))
    else:
        facts = {"seq": f"{seal.seq:,}", "hash": seal.hash}
        out.write(gettext("Sealed by event %(seq)s, hash %(hash)s; the next segment is open.") % facts)
    return EXIT_SOUND


def _seal(path: Path) -> Event | None:
    """Of a journal that is there: sealing makes none."""
    Ledger.open(path=path, read_only=True).close()
    ledger = Ledger.open(path=path)
    try:
        before = ledger.head.seq
        ledger.journal.seal()
        return next(ledger.events(after=before, types=[SEALED]), None)
    finally:
        ledger.close()
