"""The suites of the test plan, how much of each one seed and one run of the plan is, and how they are run."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ledger.engine.messages import gettext_noop
from ledger.proof.processes import deaf_to_interrupts, die_with
from ledger.simulation.crashes import crash_everywhere
from ledger.simulation.damage import FLUSHES, KINDS, damage_everywhere
from ledger.simulation.faults import fail_everywhere
from ledger.simulation.interleaving import interleave
from ledger.simulation.outcome import Outcome
from ledger.torture.kills import kill_everywhere

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """One row of the plan. ``at_least`` of ``unit`` are tried in a whole plan, whose seeds for it are ``seeds``.

    A seed is divided into ``shares``, which go to whichever process is free. ``run(seed, share, directory)``.
    """

    what: str
    unit: str
    at_least: int
    seeds: int
    shares: int
    run: Callable[[int, int, Path], Outcome]


def _crashes(seed: int, share: int, directory: Path) -> Outcome:
    return crash_everywhere(seed=seed, operations=200, images=6, share=(share, _CRASH_SHARES))


def _damage(seed: int, share: int, directory: Path) -> Outcome:
    outcome = Outcome(suite="damage", unit="images")
    commands = FLUSHES[share % len(FLUSHES)]
    for kind in KINDS:
        outcome.add(
            damage_everywhere(seed=seed, commands=commands, kind=kind, share=(share // len(FLUSHES), _DAMAGE_PARTS))
        )
    return outcome


def _errors(seed: int, share: int, directory: Path) -> Outcome:
    return fail_everywhere(seed=seed, turns=1, share=(share, _ERROR_SHARES))


def _interleavings(seed: int, share: int, directory: Path) -> Outcome:
    return interleave(seed=seed)


def _kills(seed: int, share: int, directory: Path) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="torture-", dir=directory) as home:
        return kill_everywhere(
            home=Path(home) / "journal",
            seed=_KILL_SHARES * seed + share,
            kills=_KILLS // _KILL_SHARES,
            operations=_OPERATIONS // _KILL_SHARES,
        )


_CRASH_SHARES = 20
_NICENESS = 5
_DAMAGE_PARTS = 8
_ERROR_SHARES = 40
_KILLS, _OPERATIONS, _KILL_SHARES = 110, 50_000, 5

SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "kills": Suite(
            what=gettext_noop("real processes that are killed: no answer lost, doubled, or out of order"),
            unit=gettext_noop("operations"),
            at_least=_OPERATIONS,
            seeds=1,
            shares=_KILL_SHARES,
            run=_kills,
        ),
        "crashes": Suite(
            what=gettext_noop("a crash at every call of 200 operations, any subset of what was not synced"),
            unit=gettext_noop("images"),
            at_least=100_000,
            seeds=5,
            shares=_CRASH_SHARES,
            run=_crashes,
        ),
        "damage": Suite(
            what=gettext_noop("torn or corrupt: cuts, lost sectors, flipped bits, moved blocks"),
            unit=gettext_noop("images"),
            at_least=250_000,
            seeds=1,
            shares=_DAMAGE_PARTS * len(FLUSHES),
            run=_damage,
        ),
        "errors": Suite(
            what=gettext_noop("calls of the env fail in every way they can"),
            unit=gettext_noop("lives"),
            at_least=300,
            seeds=1,
            shares=_ERROR_SHARES,
            run=_errors,
        ),
        "interleavings": Suite(
            what=gettext_noop("processes and threads by turns, errors, kills, power cuts, clocks that jump"),
            unit=gettext_noop("seeds"),
            at_least=500,
            seeds=500,
            shares=1,
            run=_interleavings,
        ),
    }
)
ROUND_SEEDS = max(suite.seeds for suite in SUITES.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one process does at a time."""

    suite: str
    seed: int
    share: int


def replay_of(*, suites: Sequence[str], seed: int) -> list[Part]:
    """All shares of one seed."""
    return [Part(suite=name, seed=seed, share=share) for name in suites for share in range(SUITES[name].shares)]


def round_of(*, suites: Sequence[str], seeds: int, number: int) -> list[Part]:
    """The ``number``-th round: so many seeds of interleavings, of the other suites in proportion, none twice.

    The suites take turns: one part of each comes first, and wherever the round is broken off, each had its proportion.
    """
    parts: list[tuple[float, Part]] = []
    for name in suites:
        its_seeds = -(-seeds * SUITES[name].seeds // ROUND_SEEDS)
        own: list[Part] = []
        for seed in range(1 + number * its_seeds, 1 + (number + 1) * its_seeds):
            own += replay_of(suites=[name], seed=seed)
        parts += [(index / len(own), part) for index, part in enumerate(own)]
    return [part for _, part in sorted(parts, key=lambda placed: placed[0])]


def torture(
    rounds: Iterator[list[Part]],
    outcomes: dict[str, Outcome],
    *,
    directory: Path,
    processes: int,
    seconds: float | None,
    progress: Progress,
) -> None:
    """Do the parts of each round, in so many processes; none begins after a finding, nor after ``seconds``
    but for the first of a suite.

    ``outcomes`` gets what each suite tried and found, also if this is interrupted. ``progress`` is told parts that are
    done and parts there are.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(os.getpid(),)) as pool:
        try:
            _go_on(pool, rounds, outcomes, directory, processes, seconds, progress)
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _go_on(
    pool: ProcessPoolExecutor,
    rounds: Iterator[list[Part]],
    outcomes: dict[str, Outcome],
    directory: Path,
    processes: int,
    seconds: float | None,
    progress: Progress,
) -> None:
    ends = math.inf if seconds is None else time.monotonic() + seconds
    running: set[Future[Outcome]] = set()
    begun: set[str] = set()
    done = total = 0
    for parts in rounds:
        total += len(parts)
        for part in parts:
            is_late = part.suite in begun and time.monotonic() > ends
            if is_late or any(outcome.findings for outcome in outcomes.values()):
                break
            begun.add(part.suite)
            with deaf_to_interrupts():
                running.add(pool.submit(_work, part, directory))
            if len(running) >= processes:
                over, running = wait(running, return_when=FIRST_COMPLETED)
                _take(over, outcomes)
                done += len(over)
                progress(done, total)
        else:
            continue
        break
    _take(wait(running).done, outcomes)


def _take(over: set[Future[Outcome]], outcomes: dict[str, Outcome]) -> None:
    for future in over:
        outcome = future.result()
        if outcome.suite in outcomes:
            outcomes[outcome.suite].add(outcome)
        else:
            outcomes[outcome.suite] = outcome


def _begin(parent: int) -> None:
    die_with(parent)
    os.nice(_NICENESS)


def _work(part: Part, directory: Path) -> Outcome:
    """SIGTERM ends the worker, and before that what it has begun: its temporary directory, the processes it started."""
    began = sum(os.times()[:4])
    try:
        signal.signal(signal.SIGTERM, _end)
        try:
            outcome = SUITES[part.suite].run(part.seed, part.share, directory)
        except Exception as error:  # noqa: BLE001  # what comes out of a suite is a finding like any other
            outcome = Outcome(suite=part.suite, unit=SUITES[part.suite].unit)
            outcome.findings.append(f"seed {part.seed}: {error!r} came out of it")
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except SystemExit:
        os._exit(1)  # else the pool would keep it, and it might wait for a lock that another one took with it
    outcome.count("milliseconds of CPU", round(1000 * (sum(os.times()[:4]) - began)))
    return outcome


def _end(number: int, frame: object) -> None:
    """Once: a pool that breaks off says it again, and ending is not to be broken off."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit()
