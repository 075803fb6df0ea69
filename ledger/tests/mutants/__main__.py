"""``python -m ledger.tests.mutants [--every N] [--module NAME...]``: changes recovery, codec and journal in every small
way, one at a time, and says which changes no suite and no test of the engine finds. Exit 0 if nine of ten are found.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from ledger.tests.mutants.mutating import changes_of
from ledger.tests.mutants.planting import killed_by
from ledger.tests.mutants.suites import SUITES

MODULES = {
    "recovery": ("engine/test_damage.py", "engine/test_failures.py", "engine/test_files.py"),
    "codec": ("contract/test_limits.py", "engine/test_format.py", "engine/test_damage.py"),
    "journal": ("contract/test_commands.py", "engine/test_failures.py", "contract/test_tail_reader.py"),
}
"""What is changed, and the tests that are nearest to it."""

FIRST = ("commands", "torn")
THEN = ("crashes", "damage", "errors_of_syncs")
ALL_TESTS = ("contract", "engine")
LEFT_OUT = ("test_processes.py", "test_state_machine.py")
KILLED_AT_LEAST = 0.9
SECONDS = 240
ROOT = Path(__file__).parents[3]
TESTS = ROOT / "ledger" / "tests"


def _tests(*paths: str) -> str:
    """pytest in this process, without the console around it; what it ends with if that is not success."""
    import pytest

    ignored = [f"--ignore-glob=*/{name}" for name in LEFT_OUT]
    plain = ["-c", "/dev/null", f"--rootdir={ROOT}", f"--confcutdir={ROOT / 'ledger'}", "--import-mode=importlib"]
    without = [word for name in ("django", "xdist", "cacheprovider", "timeout", "cov") for word in ("-p", f"no:{name}")]
    said = io.StringIO()
    with redirect_stdout(said):
        code = pytest.main(["-x", "-q", *plain, *without, *ignored, *(str(TESTS / path) for path in paths)])
    return "" if code == 0 else f"tests: {' '.join(said.getvalue().split()[-40:])}"


def _suites(module: str) -> Iterator[Callable[[], str]]:
    """The quickest first, the nearest next, everything last."""
    yield from (SUITES[name] for name in FIRST)
    yield partial(_tests, *MODULES[module])
    yield from (SUITES[name] for name in THEN)
    yield partial(_tests, *ALL_TESTS)


def main() -> int:
    """Change, run, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every N-th change")
    parser.add_argument("--module", action="append", choices=list(MODULES))
    options = parser.parse_args()
    killed = tried = 0
    for module in options.module or MODULES:
        source = (ROOT / "ledger" / "engine" / f"{module}.py").read_text(encoding="utf-8")
        for number, change in enumerate(changes_of(source)):
            if number % options.every:
                continue
            tried += 1
            name, found = f"ledger.engine.{module}", ""
            for suite in _suites(module):
                found = killed_by(suite, module=name, source=change.source, seconds=SECONDS)
                if found:
                    break
            killed += bool(found)
            word = "found" if found else "SURVIVES"
            sys.stdout.write(f"{word}: {module}.py:{change.line} {change.what}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{killed} of {tried} changes found, {killed / max(tried, 1):.1%}\n")
    return 0 if killed >= KILLED_AT_LEAST * tried else 1


if __name__ == "__main__":
    sys.exit(main())
