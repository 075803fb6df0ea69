"""A real subscriber process: ``python -m ledger.tests.subscriptions.receiver JOURNAL``. Prints what it is given."""

import sys
from pathlib import Path

from ledger.engine import Event
from ledger.subscriptions import Subscriber
from ledger.tests.engine.counting import opened


def main() -> None:
    path = Path(sys.argv[1])
    journal = opened(path, read_only=True)
    with Subscriber.opened(journal=journal, path=path, name="killed", deliver=say) as subscriber:
        subscriber.run()


def say(event: Event) -> None:
    sys.stdout.write(f"{event.seq} {event.stream}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
