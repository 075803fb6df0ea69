"""Other stores on the same file system with the same discipline: what is answered is on the disk."""

import importlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

TYPICAL_BYTES = 450

_FULL = 2  # of PRAGMA synchronous

# Transactions per second, measured for so many seconds.
Rate = Callable[[float], float]


class NotInstalled(Exception):
    """A peer is not there, or not with the same discipline; nothing of ours needs it."""


@contextmanager
def sqlite(directory: Path, events: int) -> Iterator[Rate]:
    """SQLite in WAL mode with synchronous FULL: ``events`` rows in each transaction, the first with a unique key."""
    body = "x" * (TYPICAL_BYTES - 60)
    with closing(sqlite3.connect(directory / "peer.sqlite3", isolation_level=None)) as peer:
        peer.execute("PRAGMA journal_mode=WAL")
        peer.execute("PRAGMA synchronous=FULL")
        peer.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, stream TEXT, key TEXT UNIQUE, body TEXT)")

        numbers = count()

        def insert() -> None:
            key = f"k-{next(numbers)}"
            rows = [("agent:b-1", None if index else key, body) for index in range(events)]
            peer.execute("BEGIN IMMEDIATE")
            peer.executemany("INSERT INTO events (stream, key, body) VALUES (?, ?, ?)", rows)
            peer.execute("COMMIT")

        yield partial(_rate, insert)


@contextmanager
def eventsourcing(directory: Path, events: int) -> Iterator[Rate]:
    """The library ``eventsourcing`` on SQLite, as its manual shows it: an aggregate that is saved after each command.

    It sets WAL itself and leaves SQLite its default, which is FULL; a SQLite built otherwise is no peer. Raises
    NotInstalled.
    """
    try:
        application = importlib.import_module("eventsourcing.application").Application
        aggregates = importlib.import_module("eventsourcing.domain")
    except ModuleNotFoundError as error:
        raise NotInstalled from error

    class Agent(aggregates.Aggregate):  # type: ignore[misc, name-defined]
        @aggregates.event("Consumed")  # type: ignore[untyped-decorator]
        def consume(self, amount_micros: int, balance_micros: int, reason: str) -> None: ...

    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(directory / "peer-es.sqlite3")}
    with closing(application(env=environment)) as peer:
        with peer.recorder.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            if tuple(cursor.fetchone()) != (_FULL,):
                raise NotInstalled
        agent = Agent()

        def consume() -> None:
            for _ in range(events):
                agent.consume(1_500_000, 998_500_000, "bench")
            peer.save(agent)

        yield partial(_rate, consume)


def _rate(transact: Callable[[], None], seconds: float) -> float:
    done = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        transact()
        done += 1
    return done / seconds
