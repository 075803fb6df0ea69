"""``python -m ledger.tests.mutants [--every N] [--module NAME...]``: changes codec, recovery and journal in every small
way, one at a time, and says which changes no suite and no test of the engine finds.

First everything runs once in the engine as it is, to see which test reaches which line at what cost; a change then
needs only the tests that reach its lines: those first that are cheap, or found other changes. Exit 0 if nine of ten are
found, not counting those that ``unfound.py`` lists as equivalent; 1 if fewer are, or if that list is not true any more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TextIO

from ledger.tests.mutants.mutating import Change, changes_of
from ledger.tests.mutants.reaching import ENGINE, Reach, Tests, collect
from ledger.tests.mutants.unfound import EQUIVALENT, SURVIVORS

MODULES = ("codec", "recovery", "journal")
IN_CHILDREN = "_forked_"
"""These work in forked children, where nobody sees which lines they run: they are tried on every change, last."""
FOUND_AT_LEAST = 0.9
CONTROLS = 20
SECONDS_MAX = 12.0
LISTED_SECONDS_MAX = 2.0
"""CPU seconds that the tests of one change may take together; less, where it is listed as not found."""


class Trial:
    """Changes tried one by one, and what came of them."""

    def __init__(self, changes: Mapping[str, Sequence[Change]], out: TextIO) -> None:
        self.counts: Counter[str] = Counter()
        self._changes = changes
        self._out = out
        self._finders: Counter[str] = Counter()
        self._began = time.monotonic()

    def run(self, tests: Tests) -> None:
        """All of them; a line each. The engine as it is goes the same way first, and nothing may be found in it."""
        reaches = sorted(tests.reach(list(self._changes)), key=lambda reach: reach.seconds)
        self.say(f"{len(reaches)} tests, {sum(reach.seconds for reach in reaches):.0f} CPU seconds")
        for module, changes in self._changes.items():
            as_it_is = (ENGINE / f"{module}.py").read_bytes()
            for function in {change.function for change in changes}:
                wrong = tests.found_by(reaches[:CONTROLS], module=module, function=function, source=as_it_is)
                if wrong:
                    raise RuntimeError(f"found in {module}.py as it is: {wrong}")
            for change in changes:
                self._try(change, module, tests, reaches)

    def _try(self, change: Change, module: str, tests: Tests, reaches: Sequence[Reach]) -> None:
        name = f"{module}.{change.name}"
        reason = EQUIVALENT.get(name) or SURVIVORS.get(name) or ""
        near = self._near(change, module, reaches, LISTED_SECONDS_MAX if reason else SECONDS_MAX)
        found = tests.found_by(near, module=module, function=change.function, source=change.source)
        self._finders[found.split(" ")[0]] += 1
        word = _word(name, found)
        self.counts[word] += 1
        self.say(f"{word}: {name} (line {change.line}) {found[-150:] or reason}")

    def _near(self, change: Change, module: str, reaches: Sequence[Reach], seconds_max: float) -> list[Reach]:
        """The tests that can tell; of all of them, where the line runs when the module is imported."""
        lines = set(range(change.first, change.last + 1))
        near = [one for one in reaches if not change.function or lines.intersection(one.lines.get(module, ()))]
        near.sort(key=lambda one: one.seconds / (1 + self._finders[one.name]))
        spent = accumulate(one.seconds for one in near)
        near = [one for one, seconds in zip(near, spent, strict=True) if seconds <= seconds_max]
        in_children = [one for one in reaches if IN_CHILDREN in one.name]
        return near + [one for one in in_children if one not in near]

    def say(self, line: str) -> None:
        """With the seconds since the beginning."""
        self._out.write(f"{time.monotonic() - self._began:.0f} s {line}\n")
        self._out.flush()


def changes_in(module: str) -> list[Change]:
    """Of a module of the engine."""
    return list(changes_of((ENGINE / f"{module}.py").read_text(encoding="utf-8")))


def _word(name: str, found: str) -> str:
    """What to call the outcome; a listed change that is found shows that the list is not true any more."""
    if found:
        return "LISTED BUT FOUND" if name in EQUIVALENT or name in SURVIVORS else "found"
    return "equivalent" if name in EQUIVALENT else "survives" if name in SURVIVORS else "SURVIVES"


def main() -> int:
    """Change, run, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every N-th change")
    parser.add_argument("--module", action="append", choices=MODULES)
    options = parser.parse_args()
    changes = {module: changes_in(module) for module in MODULES}
    trial = Trial({module: changes[module][:: options.every] for module in options.module or MODULES}, sys.stdout)
    names = {f"{module}.{change.name}" for module, some in changes.items() for change in some}
    gone = [name for name in (*EQUIVALENT, *SURVIVORS) if name not in names]
    for name in gone:
        trial.say(f"LISTED BUT GONE: {name}")
    collect(Tests(trial.run))
    counts = trial.counts
    tried = counts.total() - counts["equivalent"]
    share = counts["found"] / max(tried, 1)
    trial.say(f"{counts['found']} of {tried} changes found, {share:.1%}; {dict(counts)}")
    return 0 if share >= FOUND_AT_LEAST and not gone and not counts["LISTED BUT FOUND"] else 1


if __name__ == "__main__":
    sys.exit(main())
