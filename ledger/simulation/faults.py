"""Every place where the engine calls its env fails, in every way that call can fail.

Whatever fails: the command has no effect, or is durable, or nobody knows and the journal is poisoned until somebody
recovers it. What fails while nobody waits for an answer loses nothing.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from random import Random

from ledger.simulation.client import judge
from ledger.simulation.env import WrittenAnyway
from ledger.simulation.life import NO_THREAD, SEGMENT_BYTES, Life
from ledger.simulation.outcome import Outcome
from ledger.simulation.sites import Site, all_sites, site_of_call

SHORT = "short write"
SHORT_THEN_ERROR = "short write, then EIO"
WRITTEN_ANYWAY = "written, and EIO"
NO_MORE_THREADS = "no more threads"
KINDS: dict[str, tuple[str, ...]] = {
    "open": ("EMFILE", "EIO", "ENOSPC"),
    "close": ("EIO",),
    "pread": ("EIO",),
    "pwrite": (SHORT, SHORT_THEN_ERROR, WRITTEN_ANYWAY, "ENOSPC", "EIO"),
    "fdatasync": ("EIO", "ENOSPC"),
    "fsync": ("EIO", "ENOSPC"),
    "truncate": ("EIO",),
    "size": ("EIO",),
    "map": ("ENOMEM", "EMFILE"),
    "chmod": ("EROFS",),
    "link": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "symlink": ("EIO", "ENOSPC"),
    "mkdir": ("EIO", "ENOSPC"),
    "names": ("EMFILE", "EIO"),
    "exists": ("EIO",),
    "sync_directory": ("EMFILE", "EIO"),
    "disk": ("EIO",),
    "mounts": ("EMFILE",),
    "lock": ("ENOLCK",),
    "background": (NO_MORE_THREADS,),
}
NEVER_FAIL = ("unlock", "mutex", "wall_micros", "steady_micros", "random_hex", "release_memory", "watch_fork")
_SYNCS = ("fdatasync", "fsync", "sync_directory")
_FINDINGS_MAX = 5


class _Fault:
    """Lets one call of one site fail. Counts the calls of every site on the way."""

    def __init__(self, site: Site | None = None, turn: int = 0, kind: str = "") -> None:
        self.met: Counter[Site] = Counter()
        self.is_struck = False
        self._site = site
        self._turn = turn
        self._kind = kind
        self._is_next_write_lost = False

    def meet(self, call: str, name: str, content: bytes) -> int | None:
        """Of a SimEnv."""
        if self._is_next_write_lost and call == "pwrite":
            self._is_next_write_lost = False
            _fail("EIO")
        if self._site is not None and self._site.call != call:
            return None
        site = site_of_call(call)
        if site is None:
            return None
        self.met[site] += 1
        if site != self._site or self.met[site] != self._turn:
            return None
        self.is_struck = True
        if self._kind in (SHORT, SHORT_THEN_ERROR):
            self._is_next_write_lost = self._kind == SHORT_THEN_ERROR
            return len(content) // 2
        if self._kind == WRITTEN_ANYWAY:
            raise WrittenAnyway(errno.EIO, os.strerror(errno.EIO))
        if self._kind == NO_MORE_THREADS:
            raise RuntimeError(NO_THREAD)
        _fail(self._kind)
        return None


def _fail(kind: str) -> None:
    number = getattr(errno, kind)
    raise OSError(number, os.strerror(number))


def sites_met(*, seed: int) -> Counter[Site]:
    """How often an undisturbed life reaches each site. AssertionError if something is wrong with it already."""
    fault = _Fault()
    life = Life(seed, fault.meet)
    life.run()
    if life.wrong:
        raise AssertionError(life.wrong)
    return fault.met


def fail_everywhere(
    *, seed: int, turns: int, share: tuple[int, int] = (0, 1), only: Callable[[Site], bool] | None = None
) -> Outcome:
    """Fail ``turns`` calls of each site in every way, one in a life.

    ``share`` (n, of): only the n-th of every so many lives; ``only``: at these sites.
    """
    outcome = Outcome(suite="errors", unit="lives")
    met = sites_met(seed=seed)
    if only is None:
        outcome.findings += [f"{site} is reached by no simulation" for site in sorted(all_sites() - met.keys())]
    if not share[0]:
        outcome.count("places that call the system", len(met))
    number = 0
    for site in sorted(met):
        for kind in KINDS.get(site.call, ()) if only is None or only(site) else ():
            for turn in _turns_of(Random(f"{seed}/{site}/{kind}"), met[site], turns):
                number += 1
                if number % share[1] != share[0] or len(outcome.findings) >= _FINDINGS_MAX:
                    continue
                outcome.tried += 1
                outcome.count(kind)
                if wrong := _lived(seed, site, turn, kind):
                    outcome.findings.append(f"seed {seed}, {site}, call {turn}, {kind}: {wrong}")
    outcome.distinct = outcome.tried
    return outcome


def _turns_of(chance: Random, count: int, turns: int) -> list[int]:
    """The first call of a site, the last, and others between."""
    return sorted({1, count, *(chance.randint(1, count) for _ in range(turns))})[:turns]


def _lived(seed: int, site: Site, turn: int, kind: str) -> str:
    """What is wrong with a life in which this failed, or nothing."""
    fault = _Fault(site, turn, kind)
    life = Life(seed, fault.meet)
    life.run()
    if not fault.is_struck:
        return "it is not reached again"
    if life.wrong:
        return life.wrong[0]
    has_failed_sync = site.call in _SYNCS
    for number in range(3):
        image = life.disk.after_power_cut(Random(f"{seed}/{number}")) if number else life.disk.after_kill()
        if wrong := judge(
            image, life.promises, segment_bytes=SEGMENT_BYTES, is_deep=True, has_failed_sync=has_failed_sync
        ):
            return f"{'after a power cut' if number else 'afterwards'}: {wrong}"
    return ""
