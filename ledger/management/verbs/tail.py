"""`ledger tail`: the newest events, and with -f every later one as soon as it is durable."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from collections import deque
from typing import Any

from ledger import Ledger
from ledger.management.terminal import EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of, line_of
from ledger.subscriptions import Interest, events_after, pause_seconds

HELP = "Prints the newest events as JSON lines; -f follows the journal, which `tail -F` cannot (it is filled ahead)."
_PAGE_EVENTS = 1000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare journal, number and filters."""
    add_journal(parser)
    parser.add_argument("-n", "--lines", type=int, default=10, help="how many events (default: 10)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is recorded from now on")
    parser.add_argument("--stream", help="only this stream, such as agent:a-17")
    parser.add_argument("--type", dest="types", action="append", help="only this type or prefix, such as credit.*")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Print the newest ones in order, then follow until Ctrl-C."""
    interest = Interest(types=tuple(options["types"] or ()), stream=options["stream"])
    ledger = Ledger.open(path=journal_of(options), read_only=True)
    try:
        seen = ledger.head.seq
        filters = {"stream": interest.stream, "types": interest.types or None}
        newest = deque(ledger.events(until=seen, descending=True, limit=max(options["lines"], 0), **filters))
        while newest:
            out.write(line_of(newest.pop()))
        if options["follow"]:
            _follow(ledger, out=out, after=seen, interest=interest)
    finally:
        ledger.close()
    return EXIT_SOUND


def _follow(ledger: Ledger, *, out: Any, after: int, interest: Interest) -> None:
    never = threading.Event()
    idle_since = time.monotonic()
    while True:
        out.flush()
        page = events_after(ledger.journal, after=after, limit=_PAGE_EVENTS, interest=interest)
        for event in page.events:
            out.write(line_of(ledger.current(event)))
        if page.next_after > after:
            after, idle_since = page.next_after, time.monotonic()
        else:
            never.wait(pause_seconds(time.monotonic() - idle_since))
