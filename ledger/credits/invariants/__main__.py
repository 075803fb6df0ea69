"""The check as a program.

    python -m ledger.credits.invariants FILE

prints one line per invariant; exit 0 all hold, 1 one does not, 2 usage, 4 the file cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ledger.credits.invariants import check, printed
from ledger.engine.errors import LedgerError

EXIT_HELD, EXIT_BROKEN, EXIT_USAGE, EXIT_ERROR = 0, 1, 2, 4


def main(arguments: list[str]) -> int:
    """One path, one line per invariant; the answer is the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m ledger.credits.invariants FILE-OR-DIRECTORY\n")
        return EXIT_USAGE
    try:
        report = check(Path(arguments[0]))
    except LedgerError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_ERROR
    sys.stdout.write("\n".join(printed(report)) + "\n")
    return EXIT_HELD if report.is_held else EXIT_BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
