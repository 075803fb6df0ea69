"""What a subscription keeps on disk: `subscriptions/<name>.json` in the directory of its journal.

One line of JSON and one with its SHA-256. It is written whole: temporary name, fsync, rename, fsync of the directory.
The number `revision` tells a subscriber that an operator changed the record under it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from ledger.engine.env import Env
from ledger.engine.layout import read_whole, write_new
from ledger.subscriptions.errors import (
    SubscriptionDamaged,
    SubscriptionNameRefused,
    SubscriptionRunning,
    UnknownSubscription,
)
from ledger.subscriptions.following import Interest

FORMAT = "gatehouse-subscription-1"
_is_name = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII).fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A stream whose event `seq` was not delivered yet, and with it every later one up to the position.

    `attempts` failed so far, last for `reason`; `since` is when that began. Parked: nobody tries it any more.
    """

    seq: int
    attempts: int = 0
    reason: str = ""
    since: str = ""
    is_parked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything up to event `position` was delivered, but for the `holds` by stream.

    `position_hash` is that event's hash, so that another history is noticed. `interest` is None after a reset, until
    the subscriber says what it wants.
    """

    name: str
    journal_id: str
    interest: Interest | None
    position: int = 0
    position_hash: str = ""
    revision: int = 0
    holds: Mapping[str, Hold] = field(default_factory=dict)


class Records:
    """The subscriptions of one journal."""

    def __init__(self, *, env: Env, journal: Path) -> None:
        self._env = env
        self._journal = journal
        self._directory = journal / "subscriptions"

    def prepare(self) -> None:
        """Make the directory, durably."""
        if not self._env.exists(self._directory):
            self._env.mkdir(self._directory)
            self._env.sync_directory(self._journal)

    def names(self) -> list[str]:
        """Every subscription, by name."""
        if not self._env.exists(self._directory):
            return []
        found = (Path(name) for name in self._env.names(self._directory))
        return sorted(path.stem for path in found if path.suffix == ".json")

    def read(self, name: str) -> Record:
        """Raises UnknownSubscription, SubscriptionDamaged."""
        try:
            content = read_whole(self._env, self._file(name, ".json"))
        except FileNotFoundError as error:
            raise UnknownSubscription(name=name, path=self._journal) from error
        line, _newline, digest = content.partition(b"\n")
        if sha256(line).hexdigest().encode() != digest.rstrip(b"\n"):
            raise SubscriptionDamaged(name=name)
        return _record_of(orjson.loads(line))

    def write(self, record: Record) -> None:
        """Durably and all at once. The caller holds `changing`."""
        line = orjson.dumps(_fields_of(record))
        write_new(self._env, self._file(record.name, ".json"), line + b"\n" + sha256(line).hexdigest().encode() + b"\n")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Held while a record is read, changed and written: by its subscriber, or by an operator."""
        descriptor = self._env.open(self._directory / "lock", os.O_RDWR | os.O_CREAT)
        try:
            self._env.lock(descriptor)
            yield
        finally:
            self._env.close(descriptor)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Held by the one process that delivers. SubscriptionRunning while another one does.

        Not through the environment, whose locks wait: who comes second must be told.
        """
        descriptor = os.open(self._file(name, ".running"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise SubscriptionRunning(name=name) from error
        finally:
            os.close(descriptor)

    def is_running(self, name: str) -> bool:
        """Whether some process delivers for it now."""
        try:
            with self.running(name):
                return False
        except SubscriptionRunning:
            return True

    def _file(self, name: str, suffix: str) -> Path:
        if not _is_name(name):
            raise SubscriptionNameRefused(name=name)
        return self._directory / f"{name}{suffix}"


def _fields_of(record: Record) -> dict[str, Any]:
    wanted = record.interest
    return {
        "format": FORMAT,
        "journal": record.journal_id,
        "name": record.name,
        "revision": record.revision,
        "interest": None
        if wanted is None
        else {"types": list(wanted.types), "stream": wanted.stream, "correlation": wanted.correlation},
        "position": record.position,
        "position_hash": record.position_hash,
        "holds": {
            stream: {
                "seq": hold.seq,
                "attempts": hold.attempts,
                "reason": hold.reason,
                "since": hold.since,
                "is_parked": hold.is_parked,
            }
            for stream, hold in record.holds.items()
        },
    }


def _record_of(fields: dict[str, Any]) -> Record:
    wanted = fields["interest"]
    return Record(
        name=fields["name"],
        journal_id=fields["journal"],
        interest=None if wanted is None else Interest(**{**wanted, "types": tuple(wanted["types"])}),
        position=fields["position"],
        position_hash=fields["position_hash"],
        revision=fields["revision"],
        holds={stream: Hold(**hold) for stream, hold in fields["holds"].items()},
    )
