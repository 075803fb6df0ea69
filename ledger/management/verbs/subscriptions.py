"""`ledger subscriptions`: who follows a journal, how far behind, what is parked and why; and to let it go on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext

from ledger import Ledger
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND
from ledger.management.verbs.common import actor_of, add_journal, add_person, journal_of
from ledger.operations import reset_subscription, unpark_stream
from ledger.subscriptions import Park, Standing, standings
from ledger.translation import translated

HELP = "Says who follows a journal, how far behind, and what is parked. Exit 0 all well, 1 parked or damaged."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare journal and acts."""
    add_journal(parser)
    act = parser.add_mutually_exclusive_group()
    act.add_argument(
        "--unpark", nargs=2, metavar=("NAME", "STREAM"), help="try a parked stream again, from the event that failed"
    )
    act.add_argument("--reset", metavar="NAME", help="go on behind the event that --to names; parks are forgotten")
    parser.add_argument("--to", type=int, metavar="SEQ", help="0: from the first event")
    parser.add_argument("--yes", action="store_true", help="say that you mean the reset")
    add_person(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Do the one thing that was asked for, then show everything."""
    journal = journal_of(options)
    if options["unpark"] is not None:
        name, stream = options["unpark"]
        hold = unpark_stream(actor=actor_of(options), journal=journal, name=name, stream=stream)
        out.write(gettext("%(stream)s goes on from event %(seq)s.") % {"stream": stream, "seq": f"{hold.seq:,}"})
    if options["reset"] is not None:
        _reset(out, options)
    ledger = Ledger.open(path=journal, read_only=True)
    try:
        found = list(standings(ledger.journal, path=journal))
        head, damage = ledger.head.seq, ledger.status.reason
    finally:
        ledger.close()
    if damage:
        out.write(translated(damage, gettext))
    for standing in found:
        for line in [*_lines(standing, head), *_what_to_do(standing, options)]:
            out.write(line)
    if not found:
        out.write(gettext("Nobody subscribed."))
    return EXIT_BROKEN if any(map(_needs_attention, found)) else EXIT_SOUND


def _reset(out: Any, options: dict[str, Any]) -> None:
    if options["to"] is None or not options["yes"]:
        raise CommandError(gettext("A reset needs --to SEQ and --yes: what lies between is delivered again, or never."))
    name, to = options["reset"], options["to"]
    before = reset_subscription(actor=actor_of(options), journal=journal_of(options), name=name, to=to)
    if before is None:
        out.write(gettext("%(name)s goes on behind event %(to)s.") % {"name": name, "to": f"{to:,}"})
        return
    text = (
        gettext("%(name)s goes on behind event %(to)s, not %(from)s: what lies between is delivered again.")
        if to <= before.position
        else gettext("%(name)s goes on behind event %(to)s, not %(from)s: what lies between is not delivered.")
    )
    out.write(text % {"name": name, "to": f"{to:,}", "from": f"{before.position:,}"})


def _needs_attention(standing: Standing) -> bool:
    return standing.record is None or any(park.hold.is_parked for park in standing.parks)


def _lines(standing: Standing, head: int) -> list[str]:
    state = gettext("running") if standing.is_running else gettext("stopped")
    record = standing.record
    if record is None:
        return [f"{standing.name}  {state}  " + gettext("its position is damaged: nobody can say what was delivered")]
    wanted = gettext("set when it starts") if record.interest is None else str(record.interest)
    place = gettext("at event %(position)s of %(head)s, %(lag)s behind") % {
        "position": f"{record.position:,}",
        "head": f"{head:,}",
        "lag": f"{standing.lag_events:,}",
    }
    return [f"{standing.name}  {state}  {wanted}  {place}", *(f"  {_told(park)}" for park in standing.parks)]


def _what_to_do(standing: Standing, options: dict[str, Any]) -> list[str]:
    """What is safe, and the commands that go on."""
    journal = f" {options['journal']}" if options["journal"] is not None else ""
    command = f"ledger subscriptions{journal}"
    if standing.record is None:
        return [
            "  "
            + gettext("Nothing of the journal is lost. Say behind which event it goes on; 0 delivers all of it again:"),
            f"    {command} --reset {standing.name} --to SEQ --yes",
        ]
    parked = [park.stream for park in standing.parks if park.hold.is_parked]
    if not parked:
        return []
    return [
        "  "
        + gettext("Nothing is lost: the journal keeps what is held, and other streams go on. Mend the receiver, then:"),
        *(f"    {command} --unpark {standing.name} {stream}" for stream in parked),
    ]


def _told(park: Park) -> str:
    hold = park.hold
    if hold.is_parked:
        text = gettext(
            "parked: %(stream)s from event %(seq)s, %(held)s held, %(attempts)s attempts since %(since)s: %(why)s"
        )
    elif hold.attempts:
        text = gettext(
            "tried again: %(stream)s from event %(seq)s, %(held)s held, %(attempts)s attempts since %(since)s: %(why)s"
        )
    else:
        text = gettext("goes on: %(stream)s from event %(seq)s, %(held)s to be delivered; it last failed with: %(why)s")
    return text % {
        "stream": park.stream,
        "seq": f"{hold.seq:,}",
        "held": f"{park.event_count:,}",
        "attempts": hold.attempts,
        "since": hold.since,
        "why": hold.reason,
    }
