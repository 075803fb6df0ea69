"""What crosses the boundary of the engine: events, commands, receipts, and the state that is folded from events."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable


class Event(NamedTuple):
    """One recorded fact. ``seq`` is global and gapless from 1, ``version`` counts within the stream from 1.

    ``time`` is UTC with microseconds and never decides order. ``commit`` is (index, count) from 1 when the command
    made several events. ``flush`` is the first seq of what the same fsync wrote. ``hash`` is 64 hex digits.
    """

    seq: int
    time: str
    stream: str
    version: int
    type: str
    schema: int
    actor: str
    correlation: str
    causation: int | None
    key: str | None
    fingerprint: str | None
    flush: int
    commit: tuple[int, int] | None
    data: dict[str, Any]
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """An event that ``decide`` asks for. ``causation`` is the seq of an earlier event; ``caused_by`` instead names
    an earlier event of the same command by its index from 0."""

    stream: str
    type: str
    data: dict[str, Any]
    schema: int = 1
    causation: int | None = None
    caused_by: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What a caller wants recorded.

    ``key`` makes it idempotent for ever, ``fingerprint`` (32 hex digits) tells the same command from another one with
    the same key. ``decide`` runs under the lock on the live state; it returns events or raises ``Rejected``.
    ``expected`` is (stream, version) or None.
    """

    key: str
    fingerprint: str
    actor: str
    correlation: str
    decide: Callable[[], Sequence[NewEvent]]
    expected: tuple[str, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The durable answer: the recorded events. ``is_repeated``: the key was known and these are the stored ones."""

    events: tuple[Event, ...]
    is_repeated: bool


class State(Protocol):
    """What is folded live from the events, under the lock, in order of seq. ``apply`` must not change ``event``."""

    def apply(self, event: Event) -> None: ...

    def reset(self) -> None: ...

    def digest(self) -> str: ...


@runtime_checkable
class SnapshotState(State, Protocol):
    """A state that can be written down and restored exactly: the same digest, and the same answers ever after.

    ``rows`` are values of JSON. ``schema`` counts the meanings of rows: a snapshot of another one is passed over.
    """

    schema: int

    def rows(self) -> Iterator[list[Any]]: ...

    def restore(self, rows: Iterable[list[Any]]) -> None: ...


class Head(NamedTuple):
    """The last durable event: its seq and its hash (64 hex digits); (0, 64 zeros) in an empty journal."""

    seq: int
    hash: str
