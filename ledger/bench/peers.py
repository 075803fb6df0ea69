"""Other stores on the same file system with the same discipline and the same facts: what is answered is on the disk."""

from __future__ import annotations

import importlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import orjson

from ledger.bench.stage import AGENTS, TYPICAL_BYTES, consumed

_FULL = 2  # of PRAGMA synchronous
_PAGE_EVENTS = 1000


class NotInstalled(Exception):
    """A peer is not there, or not with the same discipline; nothing of ours needs it."""


class Peer(Protocol):
    """What each store is asked for, as ours is."""

    def append(self, *, thread: int, events: int) -> None:
        """One command of so many events, durable when it returns."""

    def replay(self) -> int:
        """Read everything in order, as objects, and fold it into balances; the answer is how many events."""

    def range(self, *, after: int, limit: int) -> int:
        """Read so many events behind a position, as objects."""

    def stream(self, number: int) -> int:
        """Read the events of one agent, as objects."""


Opened = Callable[[Path], AbstractContextManager[Peer]]


@contextmanager
def sqlite(directory: Path) -> Iterator[Peer]:
    """SQLite in WAL mode with synchronous FULL: a row per event, made ready before, the first with a unique key.

    One connection for all threads, behind a lock: several only wait for one another, and longer.
    """
    path = directory / "peer.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, stream TEXT, key TEXT UNIQUE, body BLOB)")
        connection.execute("CREATE INDEX streams ON events (stream, seq)")
        yield _Sqlite(connection)


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self._numbers = count()
        self._rows = [_row_of(number) for number in range(AGENTS)]

    def append(self, *, thread: int, events: int) -> None:
        with self._turn:
            key: str | None = f"k-{next(self._numbers)}"
            rows = []
            for number in range(events):
                stream, body = self._rows[number % AGENTS]
                rows.append((stream, key, body))
                key = None
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT INTO events (stream, key, body) VALUES (?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def replay(self) -> int:
        balances: dict[str, int] = {}
        read = 0
        for seq, stream, body in self._connection.execute("SELECT seq, stream, body FROM events ORDER BY seq"):
            balances[stream] = balances.get(stream, 0) - orjson.loads(body)["data"]["amount_micros"]
            read = seq
        return int(read)

    def range(self, *, after: int, limit: int) -> int:
        rows = self._connection.execute(
            "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        )
        return len([(seq, orjson.loads(body)) for seq, body in rows])

    def stream(self, number: int) -> int:
        rows = self._connection.execute(
            "SELECT seq, body FROM events WHERE stream = ? ORDER BY seq", (f"agent:b-{number}",)
        )
        return len([(seq, orjson.loads(body)) for seq, body in rows])


def _row_of(number: int) -> tuple[str, bytes]:
    """(stream, body) of about as many bytes as a record of ours has, hash and checksum included."""
    draft = consumed(number)
    body = {"stream": draft.stream, "type": draft.type, "schema": 1, "data": draft.data, "rest": ""}
    body["rest"] = "x" * (TYPICAL_BYTES - len(orjson.dumps(body)))
    return draft.stream, orjson.dumps(body)


@contextmanager
def eventsourcing(directory: Path) -> Iterator[Peer]:
    """The library ``eventsourcing`` on SQLite, as its manual shows it: an aggregate that is saved after each command.

    It sets WAL itself and leaves SQLite its default, which is FULL; a SQLite built otherwise is no peer. Raises
    NotInstalled.
    """
    try:
        application = importlib.import_module("eventsourcing.application").Application
        agent = _agent_class()
    except ModuleNotFoundError as error:
        raise NotInstalled from error
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(directory / "peer-es.sqlite3")}
    with closing(application(env=environment)) as opened:
        with opened.recorder.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            if tuple(cursor.fetchone()) != (_FULL,):
                raise NotInstalled
        yield _Eventsourcing(opened, agent)


@cache
def _agent_class() -> Callable[[], Any]:
    """The aggregate; the library knows classes by name, so there can be one only."""
    aggregates = importlib.import_module("eventsourcing.domain")

    class Agent(aggregates.Aggregate):  # type: ignore[misc, name-defined]
        @aggregates.event("Consumed")  # type: ignore[untyped-decorator]
        def consume(
            self, from_account: str, to_account: str, amount_micros: int, balance_micros: int, reason: str
        ) -> None: ...

    return Agent


class _Eventsourcing:
    """Each thread has an agent of its own: two that save one agent refuse one another."""

    def __init__(self, application: Any, agent: Callable[[], Any]) -> None:
        self._application = application
        self._new_agent = agent
        self._agents: dict[int, Any] = {}

    def append(self, *, thread: int, events: int) -> None:
        agent = self._agents.get(thread)
        if agent is None:
            agent = self._agents[thread] = self._new_agent()
        for number in range(events):
            agent.consume(**consumed(number).data)
        self._application.save(agent)

    def replay(self) -> int:
        balances: dict[object, int] = {}
        start = 1
        while notifications := self._application.recorder.select_notifications(start=start, limit=_PAGE_EVENTS):
            for event in map(self._application.mapper.to_domain_event, notifications):
                known = balances.get(event.originator_id, 0)
                balances[event.originator_id] = known - getattr(event, "amount_micros", 0)
            start = notifications[-1].id + 1
        return start - 1

    def range(self, *, after: int, limit: int) -> int:
        notifications = self._application.recorder.select_notifications(start=after + 1, limit=limit)
        return len([*map(self._application.mapper.to_domain_event, notifications)])

    def stream(self, number: int) -> int:
        stored = self._application.recorder.select_events(self._agents[number].id)
        return len([*map(self._application.mapper.to_domain_event, stored)])


PEERS: dict[str, Opened] = {"SQLite": sqlite, "eventsourcing": eventsourcing}
"""Both with WAL and synchronous FULL."""
