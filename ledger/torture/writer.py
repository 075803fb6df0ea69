"""A real process that works with a journal until it is killed, and says what it was answered and when.

``python -m ledger.torture.writer DIRECTORY NAME COUNT FROM,FROM... SEGMENT_BYTES``: a thread for each FROM, the number
of its first command; each asks for COUNT commands, 0 for ever, and stops when nobody listens any more. One line of
text for each answer; a line that is not whole was never said.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from ledger.engine import Command, Event, Journal, NewEvent
from ledger.engine.canonical import digest_of
from ledger.engine.errors import Rejected

ACCOUNTS = 5
MOVED = "credit.moved"


class NotEnough(Rejected):
    """The balance is below what should be taken."""

    code = "torture-not-enough"


class Balances:
    """The balance of each account; ``seq`` is the last event that was folded."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = {}
        self.seq = 0

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self.seq = event.seq
        if event.type == MOVED:
            self.balances[event.stream] = self.balances.get(event.stream, 0) + event.data["amount_micros"]

    def reset(self) -> None:
        """Back to before the first event."""
        self.balances.clear()
        self.seq = 0

    def digest(self) -> str:
        """Of the balances."""
        return digest_of(self.balances)


def order(state: Balances, key: str) -> tuple[Command, str, int]:
    """The command that ``key`` stands for, its account, and what it adds to it, or takes from it if there is enough."""
    chance = Random(key)
    account, amount = f"agent:{chance.randrange(ACCOUNTS)}", chance.randint(-60, 50)

    def decide() -> Sequence[NewEvent]:
        before = state.balances.get(account, 0)
        if before + amount < 0:
            raise NotEnough(seq=state.seq)
        values = {"amount_micros": amount, "before": before, "note": "x" * chance.randrange(400)}
        return [NewEvent(stream=account, type=MOVED, data=values)]

    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:32]
    return Command(key=key, fingerprint=fingerprint, actor="user:1", correlation=key, decide=decide), account, amount


def _work(journal: Journal, state: Balances, name: str, first: int, count: int) -> None:
    for number in range(first, first + count) if count else itertools.count(first):
        key = f"{name}-{number}"
        command, account, amount = order(state, key)
        asked = time.monotonic_ns()
        try:
            receipt = journal.execute(command)
            seq, word = receipt.events[0].seq, "repeated" if receipt.is_repeated else "recorded"
        except NotEnough as error:
            seq, word = int(str(error.params["seq"])), "refused"
        answered = time.monotonic_ns()
        try:
            os.write(1, f"{word} {asked} {answered} {key} {seq} {account} {amount}\n".encode())
        except BrokenPipeError:
            return


def main() -> None:
    """As many threads as asked for, on one journal."""
    directory, name, count, firsts, segment_bytes = sys.argv[1:]
    state = Balances()
    journal = Journal.open(path=Path(directory), state=state, segment_bytes=int(segment_bytes))
    workers = [
        threading.Thread(target=_work, args=(journal, state, f"{name}.{index}", int(first), int(count)), daemon=True)
        for index, first in enumerate(firsts.split(","))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    journal.close()


if __name__ == "__main__":
    main()
