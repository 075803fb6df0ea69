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
from ledger.engine.layout import Layout
from ledger.keys import signer
from ledger.management.terminal import EXIT_SOUND, progress_bar
from ledger.management.verbs.common import add_journal, journal_of, line_of
from ledger.proof.exports import write_export
from ledger.proof.taking import CheckpointTaker

HELP = (
    "Writes events as JSON lines, or with --with-proof every record and a signed checkpoint, which `ledger verify` "
    "accepts anywhere. A file appears only when it is whole."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare journal, range, filters and file."""
    add_journal(parser)
    parser.add_argument("--out", type=Path, help="file to write (default: standard output); it must not exist yet")
    parser.add_argument(
        "--with-proof", type=Path, metavar="FILE", help="the whole journal, with its proof, to this file"
    )
    parser.add_argument("--after", type=int, default=0, metavar="SEQ", help="only events behind this one")
    parser.add_argument("--until", type=int, metavar="SEQ", help="only events up to this one")
    parser.add_argument("--stream", help="only this stream")
    parser.add_argument("--type", dest="types", action="append", help="only this type or prefix, such as credit.*")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Write every event that matches, or everything with its proof."""
    if options["with_proof"] is not None:
        return _with_proof(out, options)
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


def _with_proof(out: Any, options: dict[str, Any]) -> int:
    """Sign the head now and write everything up to it."""
    if any(options[name] for name in ("out", "after", "until", "stream", "types")):
        raise CommandError(gettext("A proof is about the whole journal: --with-proof stands alone."))
    path, target = journal_of(options).absolute(), options["with_proof"]
    if target.exists():
        raise CommandError(gettext("%(path)s exists already.") % {"path": target})
    _, note = CheckpointTaker(layout=Layout(path), signer=signer).take()
    with progress_bar(title=gettext("Exporting")) as progress:
        checkpoint = write_export(journal=path, note=note, target=target, progress=progress)
    count = {"count": f"{checkpoint.size:,}", "path": target}
    out.write(gettext("%(count)s events in %(path)s") % count)
    out.write(gettext("Check it with: ledger verify %(path)s --key PUBLIC_KEY") % count)
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
