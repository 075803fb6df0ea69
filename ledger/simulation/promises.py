"""What a journal promised to those who wrote to it, and whether a disk still keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ledger.engine import Event, Head, Receipt
from ledger.engine.canonical import digest_of
from ledger.engine.codec import CRC_BYTES
from ledger.engine.errors import Conflict, DurabilityUnknown, IdempotencyMismatch, LedgerError
from ledger.engine.flush import ENGINE_STREAM

MOVED = "credit.consumed"
_HASH = slice(-CRC_BYTES - 65, -CRC_BYTES - 1)


class Folded:
    """The state of the simulated journals: a sum by stream, and what the judge asks about."""

    schema = 1

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.hashes: list[str] = []
        self.keys: dict[str, int] = {}
        self.quarantined: list[str] = []
        self.doubled: str | None = None
        self.last: Event | None = None
        self._time = ""
        self.is_back_in_time = False

    def apply(self, event: Event) -> None:
        """Fold one event; a key that comes twice is kept for the judge."""
        self.hashes.append(event.hash)
        self.is_back_in_time |= event.time <= self._time
        self._time = event.time
        if event.stream == ENGINE_STREAM:
            if name := event.data.get("quarantine"):
                self.quarantined.append(name)
            return
        self.last = event
        self.sums[event.stream] = self.sums.get(event.stream, 0) + event.data["amount_micros"]
        if event.key is not None:
            self.doubled = event.key if event.key in self.keys else self.doubled
            self.keys[event.key] = event.seq

    @property
    def broken(self) -> str:
        """What no journal may be, whatever was promised."""
        last = self.last
        if last is not None and last.commit is not None and last.commit[0] != last.commit[1]:
            return f"event {last.seq} belongs to a command whose rest is missing"
        if self.is_back_in_time:
            return "time goes backwards"
        return f"{self.doubled} is there twice" if self.doubled is not None else ""

    def reset(self) -> None:
        """Back to before the first event."""
        self.sums.clear()
        self.hashes.clear()
        self.keys.clear()
        self.quarantined.clear()
        self.doubled = self.last = None
        self._time, self.is_back_in_time = "", False

    def digest(self) -> str:
        """Of the sums, which is what a seal records."""
        return digest_of(self.sums)

    def rows(self) -> Iterator[list[Any]]:
        """All of it in one row; a snapshot stands behind a seal, where no command is half done."""
        yield [self.sums, self.hashes, self.keys, self.quarantined]

    def restore(self, rows: Iterable[list[Any]]) -> None:
        """What ``rows`` wrote down."""
        ((self.sums, self.hashes, self.keys, self.quarantined),) = rows

    def behind(self, seq: int) -> Folded:
        """A copy that knows the events up to ``seq``, behind which only the engine recorded something."""
        copy = Folded()
        copy.restore([[dict(self.sums), self.hashes[:seq], dict(self.keys), list(self.quarantined)]])
        return copy


class Promises:
    """What was answered and shown so far. ``refused``: keys that certainly have no effect.

    ``written`` has the hash of every record that was ever handed to the disk, ``head`` the last event that anybody was
    told of, by a receipt or as the head of the journal.
    """

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[int, str]] = {}
        self.refused: set[str] = set()
        self.written: set[str] = set()
        self.head = Head(0, "")
        self._open: Counter[str] = Counter()

    def ask(self, key: str) -> int:
        """A command is handed in; until somebody has its answer it may be in or not. The answer is the head by now."""
        self._open[key] += 1
        self.refused.discard(key)
        return self.head.seq

    def keep(self, key: str, receipt: Receipt, *, asked_at: int) -> str:
        """Remember a receipt; what is wrong with it, or nothing. ``asked_at`` is what ``ask`` said."""
        first, last = receipt.events[0], receipt.events[-1]
        known = self.acknowledged.setdefault(key, (last.seq, last.hash))
        self._open[key] -= 1
        self.refused.discard(key)
        self.show(Head(last.seq, last.hash))
        if known != (last.seq, last.hash):
            return f"{key} was answered as event {known[0]} and now as event {last.seq}"
        if not receipt.is_repeated and first.seq <= asked_at:
            return f"{key} became event {first.seq}, though event {asked_at} was answered before it was asked"
        return ""

    def refuse(self, key: str, error: LedgerError, *, was_known: bool) -> str:
        """Remember a refusal: certainly no effect, unless it says that nobody knows, or somebody else asked too.

        ``was_known``: the key had its answer before it was asked for. The answer here is what is wrong, or nothing.
        """
        if isinstance(error, DurabilityUnknown):
            return ""
        self._open[key] -= 1
        if not self._open[key] and key not in self.acknowledged:
            self.refused.add(key)
        is_wrong = was_known and isinstance(error, Conflict | IdempotencyMismatch)
        return f"{key} is recorded and was refused: {error!r}" if is_wrong else ""

    def show(self, head: Head) -> None:
        """Somebody was told of this event, so it must last."""
        if head.seq > self.head.seq:
            self.head = head

    def see(self, content: bytes) -> None:
        """Bytes handed to a segment; padding has no record."""
        if content[:1] == b"\n":
            return
        for line in content.split(b"\n"):
            if line.startswith(b'{"seq":') and line.endswith(b'"}'):
                self.written.add(line[_HASH].decode())

    def broken(self, state: Folded) -> str:
        """The promise that a state folded from the whole journal breaks, or nothing."""
        hashes = state.hashes
        seq, text = self.head
        if len(hashes) < seq:
            return f"acknowledged events are lost: the journal ends at {len(hashes)} instead of {seq}"
        if seq and hashes[seq - 1] != text:
            return f"event {seq} is not the one that was acknowledged"
        for key, (at, known) in self.acknowledged.items():
            if hashes[at - 1] != known:
                return f"event {at} is not what was acknowledged for {key}"
        if back := self.refused & state.keys.keys():
            return f"{min(back)} was refused and is there"
        last = state.last
        if last is not None and last.seq > seq and last.hash not in self.written:
            return f"event {last.seq} was never written"
        return state.broken
