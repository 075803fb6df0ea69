"""`ledger subscribe`: hand every event to a program, once it is durable, at least once, and go on where it was."""

from __future__ import annotations

import shlex
import signal
import subprocess
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import Any

from ledger import Event, Ledger, LedgerError, gettext_noop
from ledger.management.terminal import EXIT_ERROR, EXIT_SOUND
from ledger.management.verbs.common import add_journal, journal_of, line_of
from ledger.subscriptions import Interest, Subscriber

HELP = (
    "Delivers events to a program as JSON lines on its standard input, one call for each, or prints them. The place is "
    "kept under NAME. Whatever the program answers but 0 is tried again; what keeps failing parks its stream."
)
RUN_SECONDS_MAX = 60
_END = "end"


class DeliveryFailed(LedgerError):
    """The program did not take the event."""

    code = "delivery-failed"
    message = gettext_noop("exit %(code)s: %(why)s")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare name, filter, beginning and program."""
    parser.add_argument("name", help="under which the place is kept")
    add_journal(parser)
    parser.add_argument("--type", dest="types", action="append", help="only this type or family, such as credit.*")
    parser.add_argument("--stream", help="only this stream, such as agent:a-17")
    parser.add_argument("--correlation", help="only this correlation, such as mission:9")
    parser.add_argument(
        "--after", type=_seq, default=0, metavar="SEQ", help="where a new one begins; `end` for what comes (default: 0)"
    )
    parser.add_argument("--run", dest="program", metavar="COMMAND", help="the program, with arguments, no shell")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Deliver until SIGTERM or Ctrl-C."""
    path = journal_of(options)
    interest = Interest(
        types=tuple(options["types"] or ()), stream=options["stream"], correlation=options["correlation"]
    )
    program = shlex.split(options["program"] or "")
    ledger = Ledger.open(path=path, read_only=True)
    try:
        after = ledger.head.seq if options["after"] == _END else options["after"]
        with Subscriber.opened(
            journal=ledger.journal,
            path=path,
            name=options["name"],
            interest=interest,
            after=after,
            deliver=_in_newest_schema(ledger, _to_program(program) if program else _to(out)),
        ) as subscriber:
            previous = signal.signal(signal.SIGTERM, lambda *_: subscriber.stop())
            try:
                subscriber.run()
            finally:
                signal.signal(signal.SIGTERM, previous)
    finally:
        ledger.close()
    return EXIT_SOUND


def _in_newest_schema(ledger: Ledger, deliver: Callable[[Event], None]) -> Callable[[Event], None]:
    """Receivers get what an event means today. An unknown one ends reading before it is delivered or parked."""
    return lambda event: deliver(ledger.current(event))


def _to(out: Any) -> Callable[[Event], None]:
    """Print. When nobody reads any more that is the end, not a fault of the event."""

    def deliver(event: Event) -> None:
        try:
            out.write(line_of(event))
            out.flush()
        except OSError as error:
            raise SystemExit(EXIT_ERROR) from error

    return deliver


def _to_program(program: Sequence[str]) -> Callable[[Event], None]:
    def deliver(event: Event) -> None:
        line = line_of(event) + "\n"
        done = subprocess.run(
            program, input=line, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=RUN_SECONDS_MAX
        )
        if done.returncode:
            raise DeliveryFailed(code=done.returncode, why=(done.stderr.strip().splitlines() or ["-"])[-1])

    return deliver


def _seq(text: str) -> int | str:
    if text == _END:
        return text
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is neither a number nor {_END}")
    return int(text)
