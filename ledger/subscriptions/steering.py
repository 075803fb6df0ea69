"""What an operator sees of the subscriptions of a journal, and may do: let a parked stream go on, set a position."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import UnknownSeq
from ledger.engine.journal import Journal
from ledger.proof.history import durable_head
from ledger.subscriptions.errors import StreamNotParked, SubscriptionDamaged
from ledger.subscriptions.record import Hold, Record, Records


@dataclass(frozen=True, kw_only=True, slots=True)
class Park:
    """A stream that waits. `event_count` events of it are held, the first is `hold.seq`."""

    stream: str
    hold: Hold
    event_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One subscription: where it is, how many events it is behind, what it holds. `record` is None when damaged."""

    name: str
    record: Record | None
    is_running: bool
    lag_events: int
    parks: tuple[Park, ...]


def standings(journal: Journal, *, path: Path, env: Env | None = None) -> Iterator[Standing]:
    """Every subscription of the journal at `path`, by name."""
    records = Records(env=env or OsEnv(), journal=path)
    head = journal.head.seq
    for name in records.names():
        is_running = records.is_running(name)
        try:
            record = records.read(name)
        except SubscriptionDamaged:
            yield Standing(name=name, record=None, is_running=is_running, lag_events=head, parks=())
            continue
        parks = tuple(_park(journal, record, stream) for stream in record.holds)
        lag = max(head - record.position, 0)
        yield Standing(name=name, record=record, is_running=is_running, lag_events=lag, parks=parks)


def stuck(*, path: Path, env: Env | None = None) -> Iterator[tuple[str, dict[str, Hold]]]:
    """Every subscription that waits for a person, with the streams it parked; with none, its position is damaged.

    Reads no event. Raises OSError.
    """
    records = Records(env=env or OsEnv(), journal=path)
    for name in records.names():
        try:
            holds = {stream: hold for stream, hold in records.read(name).holds.items() if hold.is_parked}
        except SubscriptionDamaged:
            yield name, {}
            continue
        if holds:
            yield name, holds


def backlog(*, path: Path, above: int, env: Env | None = None) -> int:
    """How many events the running subscriber that is farthest behind has not got yet, if more than `above`; else 0.

    Reads no event, and asks whether it runs only who is that far behind: asking keeps others from starting meanwhile.
    A damaged position tells nothing here; `standings` names it. Raises OSError.
    """
    env = env or OsEnv()
    records = Records(env=env, journal=path)
    head = durable_head(path=path, env=env)
    behind: dict[str, int] = {}
    if head is None:
        return 0
    for name in records.names():
        with suppress(SubscriptionDamaged):
            behind[name] = head.seq - records.read(name).position
    return max((lag for name, lag in behind.items() if lag > above and records.is_running(name)), default=0)


def unpark(*, path: Path, name: str, stream: str, env: Env | None = None) -> Hold:
    """Let a parked stream be tried again, from the event that failed and in order; returns the hold as it was.

    A running subscriber takes it up within a second. UnknownSubscription, SubscriptionDamaged, StreamNotParked.
    """
    records = Records(env=env or OsEnv(), journal=path)
    records.read(name)
    with records.changing():
        record = records.read(name)
        hold = record.holds.get(stream)
        if hold is None or not hold.is_parked:
            raise StreamNotParked(name=name, stream=stream)
        holds = {**record.holds, stream: replace(hold, attempts=0, is_parked=False)}
        records.write(replace(record, revision=record.revision + 1, holds=holds))
    return hold


def reset(journal: Journal, *, path: Path, name: str, to: int, env: Env | None = None) -> Record | None:
    """Go on behind event `to`, whatever was delivered; parks are forgotten, and another filter may be taken.

    Returns the record as it was, None when it was damaged. UnknownSubscription, UnknownSeq beyond the end.
    """
    records = Records(env=env or OsEnv(), journal=path)
    head = journal.head.seq
    if not 0 <= to <= head:
        raise UnknownSeq(seq=to, head=head)
    digest = journal.get(seq=to).hash if to else ""
    if name not in records.names():
        records.read(name)
    with records.changing():
        before: Record | None = None
        try:
            before = records.read(name)
        except SubscriptionDamaged:
            revision = int((env or OsEnv()).random_hex(4), 16)
        else:
            revision = before.revision + 1
        made = Record(name=name, journal_id=journal.status.journal_id, interest=None, revision=revision)
        records.write(replace(made, position=to, position_hash=digest))
    return before


def _park(journal: Journal, record: Record, stream: str) -> Park:
    hold, interest = record.holds[stream], record.interest
    assert interest is not None, "a reset forgets the holds"
    held = interest.read(journal, after=hold.seq - 1, until=record.position, stream=stream)
    return Park(stream=stream, hold=hold, event_count=sum(1 for _event in held))
