"""``python -m ledger.tests.mutants [--every N] [--module NAME...]``: changes recovery, codec and journal in every small
way, one at a time, and says which changes no suite and no test of the engine finds. Exit 0 if nine of ten are found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ledger.tests.mutants.mutating import changes_of
from ledger.tests.mutants.planting import killed_by
from ledger.tests.mutants.suites import SUITES

MODULES = ("recovery", "codec", "journal")
QUICK = ("commands", "torn", "crashes", "damage", "errors_of_syncs")
TESTS = ("ledger/tests/contract", "ledger/tests/engine")
LEFT_OUT = ("test_processes.py", "test_state_machine.py")
KILLED_AT_LEAST = 0.9
SECONDS = 600
ROOT = Path(__file__).parents[3]


def _tests() -> str:
    """pytest in this process, without the console around it; what it ends with if that is not success."""
    import io
    from contextlib import redirect_stdout

    import pytest

    ignored = [f"--ignore-glob=*/{name}" for name in LEFT_OUT]
    plain = ["-c", "/dev/null", f"--rootdir={ROOT}", f"--confcutdir={ROOT / 'ledger'}", "--import-mode=importlib"]
    without = [word for name in ("django", "xdist", "cacheprovider", "timeout", "cov") for word in ("-p", f"no:{name}")]
    said = io.StringIO()
    with redirect_stdout(said):
        code = pytest.main(["-x", "-q", *plain, *without, *ignored, *(str(ROOT / path) for path in TESTS)])
    return "" if code == 0 else f"tests: {' '.join(said.getvalue().split()[-40:])}"


def main() -> int:
    """Change, run, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every N-th change")
    parser.add_argument("--module", action="append", choices=MODULES)
    options = parser.parse_args()
    killed = tried = 0
    for module in options.module or MODULES:
        source = (ROOT / "ledger" / "engine" / f"{module}.py").read_text(encoding="utf-8")
        for number, change in enumerate(changes_of(source)):
            if number % options.every:
                continue
            tried += 1
            name, found = f"ledger.engine.{module}", ""
            for suite in (*(SUITES[quick] for quick in QUICK), _tests):
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
