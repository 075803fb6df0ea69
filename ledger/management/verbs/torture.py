"""`ledger torture`: tries to break a journal in every way of the test plan, and says how to see a finding again."""

from __future__ import annotations

import os
import signal
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
EXIT_STOPPED = 128 + signal.SIGINT


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what, how much and where."""
    parser.add_argument("--suite", action="append", choices=list(SUITES), help="only this one; may be repeated")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--seeds", type=int, help=f"how many seeds (default: {ROUND_SEEDS}, the whole plan once)")
    much.add_argument("--minutes", type=float, help="the plan, and on with ever new seeds, for so long")
    much.add_argument("--seed", type=int, help="only this seed: how a finding is seen again")
    parser.add_argument("--directory", type=Path, help="where real processes write (default: the storage)")
    parser.add_argument("--processes", type=int, help="how many at once (default: one for each processor)")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Run the suites, print what was tried and what was found."""
    suites = options["suite"] or list(SUITES)
    minutes, seed = options["minutes"], options["seed"]
    directory = options["directory"] or Path(settings.STORAGE)
    directory.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, Outcome] = {}
    is_stopped = False
    processes = options["processes"] or len(os.sched_getaffinity(0))
    began = time.monotonic()
    with progress_bar(title=gettext("Trying to break it")) as progress, _stoppable():
        try:
            torture(
                _rounds(suites, options),
                outcomes,
                directory=directory,
                processes=processes,
                seconds=None if minutes is None else 60 * minutes,
                progress=progress or (lambda done, total: None),
            )
        except KeyboardInterrupt:
            is_stopped = True
    is_whole = seed is None and minutes is None and options["seeds"] is None and not is_stopped
    for name in suites:
        outcomes.setdefault(name, Outcome(suite=name, unit=SUITES[name].unit))
        out.write(_line(name, outcomes[name]))
    short = [
        name for name in suites if not is_stopped and outcomes[name].tried < (SUITES[name].at_least if is_whole else 1)
    ]
    for name in short:
        out.write(
            gettext("%(suite)s: fewer than the %(count)s that the plan asks for.")
            % {"suite": name, "count": f"{SUITES[name].at_least:,}"}
        )
    broken = [name for name in suites if outcomes[name].findings]
    for name in broken:
        _tell(out, name, outcomes[name])
    failed = len({*short, *broken})
    out.write(
        gettext("%(minutes)s minutes, %(processes)s processes at once; load of the machine at the end %(load)s")
        % {
            "minutes": f"{(time.monotonic() - began) / 60:.1f}",
            "processes": processes,
            "load": f"{os.getloadavg()[0]:.1f}",
        }
    )
    out.write(gettext("Something was found.") if broken else gettext("Nothing was found."))
    out.write(f"{len(suites) - failed} passed, {failed} failed")
    if is_stopped:
        out.write(gettext("It was stopped; this is what it tried until then."))
        return EXIT_STOPPED
    return EXIT_BROKEN if failed else EXIT_SOUND


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM are KeyboardInterrupt, also where a shell started it in the background without the first."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
