"""`ledger export`: events as JSON lines, to a file or a pipe, in constant memory."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext

from ledger import Event, Ledger
from ledger.management.terminal import EXIT_SOUND, progress_bar
from ledger.management.verbs.common import add_journal, journal_of, line_of

HELP = "Writes events as JSON lines. A file appears only when it is whole."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare journal, range, filters and file."""
    add_journal(parser)
    parser.add_argument("--out", type=Path, help="file to write (default: standard output); it must not exist yet")
    parser.add_argument("--after", type=int, default=0, metavar="SEQ", help="only events behind this one")
    parser.add_argument("--until", type=int, metavar="SEQ", help="only events up to this one")
    parser.add_argument("--stream", help="only this stream")
    parser.add_argument("--type", dest="types", action="append", help="only this type or prefix, such as credit.*")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Write every event that matches."""
    target: Path | None = options["out"]
    if target is not None and target.exists():
        raise CommandError(gettext("%(path)s exists already.") % {"path": target})
    names = ("after", "until", "stream", "types")
    ledger = Ledger.open(path=journal_of(options), read_only=True)
    try:
        head = ledger.head.seq
        with progress_bar(title=gettext("Exporting")) as progress:
            events = _reported(ledger.events(**{name: options[name] for name in names}), head, progress)
            if target is None:
                for event in events:
                    out.write(line_of(event))
                return EXIT_SOUND
            count = _write(target, events)
    finally:
        ledger.close()
    out.write(gettext("%(count)s events in %(path)s") % {"count": f"{count:,}", "path": target})
    return EXIT_SOUND


def _reported(events: Iterator[Event], head: int, progress: Any) -> Iterator[Event]:
    for event in events:
        if progress is not None and event.seq % 1000 == 0:
            progress(event.seq, head)
        yield event


def _write(target: Path, events: Iterator[Event]) -> int:
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    count = 0
    try:
        with aside.open("w", encoding="utf-8") as file:
            for event in events:
                file.write(line_of(event) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)
    return count
