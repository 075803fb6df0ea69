"""`ledger balance`: what an account holds, now or behind any event of the past, and which approvals waited then."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ledger import ApprovalState, Ledger, decimal_of
from ledger.conf import live_journal
from ledger.management.terminal import EXIT_SOUND

HELP = "Says the balance of an agent or account, now or as it was behind an event, and the approvals that waited then."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare account, moment and journal."""
    parser.add_argument("account", metavar="AGENT", help="an agent such as a-17, or an account such as system:reward")
    parser.add_argument("--at", type=int, metavar="SEQ", help="as it was behind this event (default: now)")
    parser.add_argument("--journal", type=Path, help="directory of a journal (default: the live one)")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Fold up to that event and print."""
    ledger = Ledger.open(path=options["journal"] or live_journal(), read_only=True)
    try:
        past = ledger.at(options["at"] if options["at"] is not None else ledger.head.seq)
        balance = past.balance(options["account"])
        waiting = [approval.request for approval in past.approvals(state=ApprovalState.PENDING)]
        event = past.last
    finally:
        ledger.close()
    facts = {
        gettext("account"): options["account"],
        gettext("balance"): str(decimal_of(balance)),
        gettext("behind event"): f"{event.seq:,}, {event.time}",
        gettext("approvals waiting"): f"{len(waiting):,} {', '.join(waiting)}".strip(),
    }
    for name, fact in facts.items():
        out.write(f"{name:22}{fact}")
    return EXIT_SOUND
