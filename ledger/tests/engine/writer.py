"""A real second process for the tests: ``python -m ledger.tests.engine.writer DIRECTORY NAME COUNT [SEGMENT_BYTES]``.

Records commands ``NAME-0`` and on, and prints each seq once it is acknowledged. COUNT 0: until it is killed.
"""

import itertools
import sys
from pathlib import Path

from ledger.engine import Journal
from ledger.tests.engine.counting import Counting, command, event


def main() -> None:
    directory, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    segment_bytes = int(sys.argv[4]) if len(sys.argv) > 4 else 2**20
    journal = Journal.open(path=directory, state=Counting(), segment_bytes=segment_bytes)
    for number in range(count) if count else itertools.count():
        events = [event(f"agent:{name}", number, "x" * (number % 700))] * (1 + number % 3)
        receipt = journal.execute(command(f"{name}-{number}", events))
        sys.stdout.write(f"{number} {receipt.events[0].seq} {int(receipt.is_repeated)}\n")
        sys.stdout.flush()
    journal.close()


if __name__ == "__main__":
    main()
