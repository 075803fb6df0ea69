"""`ledger seal`: close the active segment now, whatever its size; what is in it never changes again."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ledger import Ledger
from ledger.actions import live_ledger, live_watch
from ledger.conf import live_journal
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of

HELP = "Seals the active segment now and opens the next one; nothing happens when it holds no event yet."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Seal beside whoever writes, and say what was."""
    path = journal_of(options).absolute()
    is_live = path == live_journal().absolute()
    if is_live:
        live_watch().require_writable()
    ledger = live_ledger() if is_live else _opened(path)
    try:
        before = ledger.head.seq
        ledger.journal.seal()
        seal = next(ledger.events(after=before, types=["segment.sealed"]), None)
    finally:
        if not is_live:
            ledger.close()
    if seal is None:
        out.write(gettext("The active segment holds no event yet; there is nothing to seal."))
    else:
        facts = {"seq": f"{seal.seq:,}", "hash": seal.hash}
        out.write(gettext("Sealed by event %(seq)s, hash %(hash)s; the next segment is open.") % facts)
    return EXIT_SOUND


def _opened(path: Path) -> Ledger:
    """Of a journal that is there: sealing makes none."""
    Ledger.open(path=path, read_only=True).close()
    return Ledger.open(path=path)
