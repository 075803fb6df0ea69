"""`ledger torture`: tries to break a journal in every way of the test plan, and says how to see a finding again."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar
from ledger.simulation.outcome import Outcome
from ledger.torture.plan import ROUND_SEEDS, SUITES, Part, replay_of, round_of, torture

HELP = "Tries to break journals, simulated and real ones, in every way of the test plan. Exit 0 nothing found, 1 found."
_CPU = "milliseconds of CPU"
_FINDINGS_SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what, how much and where."""
    parser.add_argument("--suite", action="append", choices=list(SUITES), help="only this one; may be repeated")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--seeds", type=int, help=f"how many seeds (default: {ROUND_SEEDS}, the whole plan once)")
    much.add_argument("--minutes", type=float, help="whole plans with ever new seeds, until so much time is over")
    much.add_argument("--seed", type=int, help="only this seed: how a finding is seen again")
    parser.add_argument("--directory", type=Path, help="where real processes write (default: the storage)")
    parser.add_argument("--processes", type=int, help="how many at once (default: one for each processor)")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Run the suites, print what was tried and what was found."""
    suites = options["suite"] or list(SUITES)
    minutes, seed = options["minutes"], options["seed"]
    directory = options["directory"] or Path(settings.STORAGE)
    directory.mkdir(parents=True, exist_ok=True)
    with progress_bar(title=gettext("Trying to break it")) as progress:
        outcomes = torture(
            _rounds(suites, options),
            directory=directory,
            processes=options["processes"] or len(os.sched_getaffinity(0)),
            seconds=None if minutes is None else 60 * minutes,
            progress=progress or (lambda done, total: None),
        )
    is_whole = seed is None and options["seeds"] is None
    for name in suites:
        out.write(_line(name, outcomes[name]))
    short = [name for name in suites if is_whole and outcomes[name].tried < SUITES[name].at_least]
    for name in short:
        out.write(
            gettext("%(suite)s: fewer than the %(count)s that the plan asks for.")
            % {"suite": name, "count": f"{SUITES[name].at_least:,}"}
        )
    broken = [name for name in suites if outcomes[name].findings]
    for name in broken:
        _tell(out, name, outcomes[name])
    failed = len({*short, *broken})
    out.write(gettext("Nothing was found.") if not failed else gettext("Something was found."))
    out.write(f"{len(suites) - failed} passed, {failed} failed")
    return EXIT_BROKEN if failed else EXIT_SOUND


def _rounds(suites: Sequence[str], options: dict[str, Any]) -> Iterator[list[Part]]:
    if options["seed"] is not None:
        yield replay_of(suites=suites, seed=options["seed"])
    elif options["minutes"] is None:
        yield round_of(suites=suites, seeds=options["seeds"] or ROUND_SEEDS, number=0)
    else:
        for number in count():
            yield round_of(suites=suites, seeds=ROUND_SEEDS, number=number)


def _line(name: str, outcome: Outcome) -> str:
    suite = SUITES[name]
    counts = {what: number for what, number in outcome.counts.items() if what != _CPU}
    told = ", ".join(f"{what} {number:,}" for what, number in counts.items())
    return gettext(
        "%(suite)s: %(tried)s %(unit)s, %(findings)s findings, %(seconds)s s of CPU · %(what)s · %(told)s"
    ) % {
        "suite": name,
        "tried": f"{outcome.tried:,}",
        "unit": gettext(suite.unit),
        "findings": len(outcome.findings),
        "seconds": f"{outcome.counts.get(_CPU, 0) / 1000:,.0f}",
        "what": gettext(suite.what),
        "told": told,
    }


def _tell(out: Any, name: str, outcome: Outcome) -> None:
    for finding in sorted(set(outcome.findings))[:_FINDINGS_SHOWN]:
        out.write(f"{name}: {finding}")
    out.write(
        gettext("To see one again: manage.py ledger torture --suite %(suite)s --seed %(seed)s")
        % {"suite": name, "seed": "N"}
    )
