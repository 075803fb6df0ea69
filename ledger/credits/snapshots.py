"""Taking snapshots of a credit journal, beside its writers: an own fold over the sealed segments, which never change.

``python -m ledger.credits.snapshots JOURNAL`` takes one, at low priority. A ledger opened with ``takes_snapshots``
starts that after each seal, so that neither its lock nor its interpreter waits for the fold.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.credits.state import CreditState
from ledger.engine.codec import ZERO_DIGEST
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout
from ledger.engine.messages import gettext_noop
from ledger.engine.seal import manifest_lines
from ledger.engine.snapshot import Place, restore_newest, sealed_place, write_snapshot
from ledger.engine.walk import Walker

_NICENESS = 10


class NoSnapshot(LedgerError):
    """No snapshot can be taken of the journal as it is."""

    code = "no-snapshot"
    message = gettext_noop("No snapshot of %(path)s was taken: %(reason)s. Verify the journal.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A snapshot behind event `seq` (0: nothing is sealed yet, so there is none). `is_new`: it was not there before.

    `folded_count` events were read for it; `passed_over` are the snapshots that were not valid, and why.
    """

    seq: int
    path: Path
    is_new: bool
    folded_count: int
    passed_over: tuple[str, ...]


def take_snapshot(*, path: Path, env: Env | None = None) -> Taken:
    """Take a snapshot behind the newest seal of the journal in `path`, from the newest valid one before it.

    Needs no lock of the writers and changes nothing they look at. Raises NoSnapshot when the sealed segments do not
    bear it, NotAJournal, OSError.
    """
    env, layout = env if env is not None else OsEnv(), Layout(path.absolute())
    state, said = CreditState(), list[str]()
    seq = max((line["last"] for line in manifest_lines(env, layout)), default=0)
    target = layout.snapshot(seq)
    if not seq:
        return Taken(seq=0, path=target, is_new=False, folded_count=0, passed_over=())
    start = restore_newest(env, layout, state, until=seq, say=said.append) or Place(0, ZERO_DIGEST.hex(), "", [])
    if start.seq < seq:
        try:
            place, sealed = sealed_place(env, layout, seq)
        except (ValueError, LookupError, TypeError) as error:
            raise NoSnapshot(path=path, reason=error) from error
        _fold(env, layout, state, start, place)
        if state.digest() != sealed:
            raise NoSnapshot(path=path, reason="its state differs from what was sealed; the rules changed since")
        write_snapshot(env, layout, state, place)
    return Taken(
        seq=seq,
        path=target,
        is_new=start.seq < seq,
        folded_count=seq - start.seq,
        passed_over=tuple(said),
    )


def _fold(env: Env, layout: Layout, state: CreditState, start: Place, place: Place) -> None:
    """Every record between two places, verified as it is when a journal is opened."""
    seq, digest = start.seq, bytes.fromhex(start.hash)
    for first in place.firsts[len(start.firsts) :]:
        fd = env.open(layout.segment(first), os.O_RDONLY)
        try:
            walker = Walker(env=env, fd=fd, segment=first, offset=0, seq=seq, digest=digest)
            for events, _ in walker.walk(env.size(fd)):
                for event in events:
                    state.apply(event)
        finally:
            env.close(fd)
        if walker.problem is not None:
            reason = f"{layout.segment(first).name}: found {walker.problem.found}, not {walker.problem.expected}"
            raise NoSnapshot(path=layout.path, reason=reason)
        seq, digest = walker.seq, walker.digest


class SnapshotTaker:
    """Starts a process that takes a snapshot, one at a time: what is sealed meanwhile is in the next one."""

    def __init__(self, path: Path, *, is_wanted: bool | Callable[[], bool] = True) -> None:
        """`is_wanted` may be a question, for whom that changes while the ledger is open."""
        self._path = path
        self._is_wanted = is_wanted
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Beside everything. A journal without a snapshot only opens more slowly, so trouble is none of its users'."""
        if not (self._is_wanted() if callable(self._is_wanted) else self._is_wanted):
            return
        with self._turn:
            if self._process is not None and self._process.poll() is None:
                return
            command = [sys.executable, "-m", "ledger.credits.snapshots", os.fspath(self._path)]
            null = subprocess.DEVNULL
            try:
                self._process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
            except OSError:
                self._process = None

    def settle(self) -> None:
        """Wait until the process that was started last is done."""
        with self._turn:
            if self._process is not None:
                self._process.wait()


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 taken or there already, 1 not, with the reason on standard error."""
    (path,) = arguments if arguments is not None else sys.argv[1:]
    os.nice(_NICENESS)
    try:
        take_snapshot(path=Path(path))
    except (LedgerError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
