"""`ledger tail`: the newest events, and with -f every later one as soon as it is durable."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from collections import deque
from typing import Any

from ledger import Ledger
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of, line_of

HELP = "Prints the newest events as JSON lines; -f follows the journal, which `tail -F` cannot (it is filled ahead)."
_LOOK_AGAIN_SECONDS = 0.2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare journal, number and filters."""
    add_journal(parser)
    parser.add_argument("-n", "--lines", type=int, default=10, help="how many events (default: 10)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is recorded from now on")
    parser.add_argument("--stream", help="only this stream, such as agent:a-17")
    parser.add_argument("--type", dest="types", action="append", help="only this type or prefix, such as credit.*")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Print the newest ones in order, then follow until Ctrl-C."""
    filters = {"stream": options["stream"], "types": options["types"]}
    ledger = Ledger.open(path=journal_of(options), read_only=True)
    try:
        seen = ledger.head.seq
        newest = deque(ledger.events(until=seen, descending=True, limit=max(options["lines"], 0), **filters))
        while newest:
            out.write(line_of(newest.pop()))
        never = threading.Event()
        while options["follow"]:
            out.flush()
            never.wait(_LOOK_AGAIN_SECONDS)
            head = ledger.head.seq
            for event in ledger.events(after=seen, until=head, **filters):
                out.write(line_of(event))
            seen = head
    finally:
        ledger.close()
    return EXIT_SOUND
