"""What a journal promised to those who wrote to it, and whether a disk still keeps it."""

from __future__ import annotations

from ledger.engine import Event, Head, Receipt
from ledger.engine.canonical import digest_of
from ledger.engine.codec import CRC_BYTES
from ledger.engine.errors import DurabilityUnknown
from ledger.engine.flush import ENGINE_STREAM

MOVED = "credit.consumed"
_HASH = slice(-CRC_BYTES - 65, -CRC_BYTES - 1)


class Folded:
    """The state of the simulated journals: a sum by stream, and what the judge asks about."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.hashes: list[str] = []
        self.keys: dict[str, int] = {}
        self.quarantined: list[str] = []
        self.doubled: str | None = None
        self.last: Event | None = None

    def apply(self, event: Event) -> None:
        """Fold one event; a key that comes twice is kept for the judge."""
        self.hashes.append(event.hash)
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
        return f"{self.doubled} is there twice" if self.doubled is not None else ""

    def reset(self) -> None:
        """Back to before the first event."""
        self.sums.clear()
        self.hashes.clear()
        self.keys.clear()
        self.quarantined.clear()
        self.doubled = self.last = None

    def digest(self) -> str:
        """Of the sums, which is what a seal records."""
        return digest_of(self.sums)


class Promises:
    """What was answered so far. A key that is ``unknown`` was asked for and has no answer that says whether it is in.

    ``written`` has the hash of every record that was ever handed to the disk.
    """

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[int, str]] = {}
        self.refused: set[str] = set()
        self.unknown: set[str] = set()
        self.written: set[str] = set()
        self.head = Head(0, "")

    def ask(self, key: str) -> bool:
        """A command is handed in; the answer, for ``refuse``, is whether its fate was unknown before."""
        was_unknown = key in self.unknown
        self.unknown.add(key)
        return was_unknown

    def keep(self, key: str, receipt: Receipt) -> str:
        """Remember a receipt; what is wrong with it, or nothing."""
        last = receipt.events[-1]
        known = self.acknowledged.setdefault(key, (last.seq, last.hash))
        self.unknown.discard(key)
        self.refused.discard(key)
        if last.seq > self.head.seq:
            self.head = Head(last.seq, last.hash)
        if known != (last.seq, last.hash):
            return f"{key} was answered as event {known[0]} and now as event {last.seq}"
        return ""

    def refuse(self, key: str, error: Exception, *, was_unknown: bool) -> None:
        """Remember a refusal: certainly no effect, unless it says that nobody knows."""
        if was_unknown or isinstance(error, DurabilityUnknown):
            return
        self.unknown.discard(key)
        if key not in self.acknowledged:
            self.refused.add(key)

    def see(self, content: bytes) -> None:
        """Bytes handed to a segment."""
        for line in content.split(b"\n"):
            if line.endswith(b'"}'):
                self.written.add(line[_HASH].decode())

    def broken(self, state: Folded) -> str:
        """The promise that a state folded from the whole journal breaks, or nothing."""
        seq, text = self.head
        if len(state.hashes) < seq:
            return f"acknowledged events are lost: the journal ends at {len(state.hashes)} instead of {seq}"
        if seq and state.hashes[seq - 1] != text:
            return f"event {seq} is not the one that was acknowledged"
        if back := self.refused & state.keys.keys():
            return f"{min(back)} was refused and is there"
        last = state.last
        if last is not None and last.seq > seq and last.hash not in self.written:
            return f"event {last.seq} was never written"
        return state.broken
