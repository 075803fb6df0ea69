"""One whole life of a journal: everything the engine can be asked for and has to mend, once, in a fixed order.

It reaches every place where the engine calls its env, so that each of them can be made to fail.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from ledger.engine.copying import copy_journal
from ledger.engine.errors import DurabilityUnknown, LedgerError
from ledger.engine.layout import Layout
from ledger.simulation.client import HOME, Client, command, moving
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import Meet, SimEnv
from ledger.simulation.promises import Promises
from ledger.simulation.turns import Killed, Turns

SEGMENT_BYTES = 4096
_LAYOUT = Layout(HOME)
_OWN, _OTHER, _VICTIM, _READER = range(4)
_EVENTS = 3
_REFUSALS = (LedgerError, OSError, Killed)
NO_THREAD = "can't start new thread"


class Life:
    """``meet`` is told every call of every process in it. ``wrong`` says what nobody may be answered."""

    def __init__(self, seed: int, meet: Meet) -> None:
        self.disk = SimDisk(seed=seed)
        self.promises = Promises()
        self._meet = meet
        self._turns = Turns(Random(seed), switching=0.0)
        self._count = 0
        self._own: Client | None = None
        self._clients: list[Client] = []
        self._wrong: list[str] = []

    @property
    def wrong(self) -> list[str]:
        """What came out that must not: contradictions, descriptors left open, somebody who waits for ever."""
        return self._wrong + [line for client in self._clients for line in client.wrong]

    def run(self) -> None:
        """From the first opening to the last closing. A step that is refused is over; the next one begins anew."""
        task = self._turns.spawn(self._live, name="life", process=_OWN)
        self._turns.run()
        if self._turns.stuck:
            self._wrong.append(f"{self._turns.stuck} wait for ever")
        if task.error is not None:
            self._wrong.append(f"{task.error!r} came out of the journal")

    def _live(self) -> None:
        steps: tuple[Callable[[], None], ...] = (
            self._commands,
            self._several_segments,
            self._reading,
            self._somebody_else,
            self._snapshots,
            self._from_snapshot,
            self._reader,
            self._copying,
            self._forking,
            self._killed_beside_others,
            self._killed_before_an_opening,
            self._clock,
            self._two_threads,
            self._interrupted,
            self._poison,
            self._no_successor,
            self._files_lost,
            self._rot,
        )
        for step in steps:
            if not self._attempt(step):
                self._leave()
        self._leave()

    def _attempt(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except _REFUSALS:
            return False
        except RuntimeError as error:
            if str(error) != NO_THREAD:
                raise
            return False
        return True

    # Who works with the journal

    def _client(self) -> Client:
        """The own process with the journal open and writable; one that failed is left, and another one opens."""
        if self._own is None:
            self._own = self._open(_OWN)
        if self._own.journal.status.state == "poisoned":
            self._own.journal.recover(reason="simulated", actor="user:1")
        return self._own

    def _open(
        self, process: int, *, meet: Meet | None = None, read_only: bool = False, from_snapshot: bool = True
    ) -> Client:
        env = SimEnv(self.disk, meet=meet or self._meet, turns=self._turns, process=process)
        try:
            client = Client(
                env, self.promises, segment_bytes=SEGMENT_BYTES, read_only=read_only, from_snapshot=from_snapshot
            )
        except (LedgerError, OSError):
            self._miss_descriptors(env, "a failed opening")
            raise
        self._clients.append(client)
        return client

    def _miss_descriptors(self, env: SimEnv, who: str) -> None:
        if names := env.open_names:
            self._wrong.append(f"{who} leaves open: {', '.join(names)}")
        env.leave()

    def _leave(self) -> None:
        own, self._own = self._own, None
        if own is None:
            return
        try:
            own.journal.close()
        except _REFUSALS:
            own.env.leave()
        else:
            self._miss_descriptors(own.env, "a closed journal")

    def _record(self, client: Client, note_bytes: int = 40, events: int = 1) -> str:
        self._count += 1
        key = f"k{self._count}"
        drafts = [moving(f"agent:{self._count % 5}", self._count, "x" * note_bytes) for _ in range(events)]
        error = client.execute(command(key, drafts))
        state = client.journal.status.state
        if isinstance(error, DurabilityUnknown) and state != "poisoned":
            self._wrong.append(f"{key} is unknown, and the journal is {state}")
        return key

    # What happens

    def _commands(self) -> None:
        client = self._client()
        for events in (1, 3, 1):
            key = self._record(client, events=events)
        client.execute(command(key, [moving("agent:1", 1)]))
        client.execute(command("conflicting", [moving("agent:1", 1)], expected=("agent:1", 99)))
        self._record(client, note_bytes=90_000)

    def _several_segments(self) -> None:
        client = self._client()
        for _ in range(30):
            self._record(client, note_bytes=600)
        client.journal.settle_sealing()

    def _reading(self) -> None:
        client = self._client()
        journal = client.journal
        client.look()
        middle = journal.get(seq=client.journal.head.seq // 2)
        for is_descending in (False, True):
            list(journal.read(stream="agent:1", descending=is_descending, limit=5))
        list(journal.read(since=middle.time, limit=3))
        journal.stream_version("agent:1")

    def _somebody_else(self) -> None:
        client = self._client()
        other = self._open(_OTHER)
        for _ in range(12):
            self._record(other, note_bytes=500)
            self._record(client)
        client.look()
        other.journal.close()

    def _snapshots(self) -> None:
        client = self._client()
        for _ in range(4):
            self._record(client)
            client.snapshot()

    def _from_snapshot(self) -> None:
        self._leave()
        self._record(self._client())
        self._leave()

    def _reader(self) -> None:
        client = self._client()
        reader = self._open(_READER, read_only=True)
        for _ in range(10):
            self._record(client, note_bytes=600)
        client.journal.settle_sealing()
        reader.look()
        list(reader.journal.read(limit=5))
        reader.journal.close()

    def _copying(self) -> None:
        client = self._client()
        self._record(client)
        copy_journal(source=HOME, target=Path(f"/disk/copies/{self._count}"), env=client.env)

    def _forking(self) -> None:
        """The child goes on alone: first between commands, then while the parent makes the files of a segment."""
        client = self._client()
        client.env.fork()
        self._record(client)
        left = [client.env]

        def forked_while_sealing(call: str, name: str, content: bytes) -> int | None:
            answer = self._meet(call, name, content)
            if call == "truncate" and left:
                left.pop().fork()
                raise Killed
            return answer

        client.env.meet = forked_while_sealing
        try:
            for _ in range(12):
                self._record(client, note_bytes=600)
            client.journal.settle_sealing()
        finally:
            client.env.meet = self._meet
        self._record(client)

    def _killed_beside_others(self) -> None:
        client = self._client()
        self._kill_a_writer()
        self._record(client)
        self._copying()

    def _killed_before_an_opening(self) -> None:
        self._leave()
        self._kill_a_writer()
        self._record(self._client())

    def _kill_a_writer(self) -> None:
        """Somebody dies in the middle of the second of three events."""
        victim = self._open(_VICTIM)
        self._record(victim)

        def dying(call: str, name: str, content: bytes) -> int | None:
            answer = self._meet(call, name, content)
            if call != "pwrite" or content.count(b"\n") != _EVENTS:
                return answer
            victim.env.meet = _dead
            return len(content) // 2

        victim.env.meet = dying
        with suppress(Killed):
            self._record(victim, note_bytes=300, events=_EVENTS)
        victim.env.leave()

    def _clock(self) -> None:
        client = self._client()
        for micros in (60_000_000, -90_000_000):
            self.disk.wall += micros
            self._record(client)

    def _poison(self) -> None:
        client = self._client()
        client.journal.seal()
        other = self._open(_OTHER)
        self._record(other)
        client.env.meet = self._failing("fdatasync")
        try:
            self._record(client)
        finally:
            client.env.meet = self._meet
        client.look()
        self._record(other)
        self._record(self._client())
        self._record(other)
        other.journal.close()

    def _interrupted(self) -> None:
        """Every write stops after a few bytes, and has to go on."""
        client = self._client()
        client.env.meet = lambda call, name, content: (
            self._meet(call, name, content) or (7 if call == "pwrite" and len(content) < 1000 else None)
        )
        try:
            self._record(client)
        finally:
            client.env.meet = self._meet

    def _no_successor(self) -> None:
        """The segment behind a seal cannot be put in place."""
        client = self._client()
        client.env.meet = self._failing("link")
        try:
            self._record(client, note_bytes=SEGMENT_BYTES)
            self._record(client)
        finally:
            client.env.meet = self._meet
        self._record(client)

    def _two_threads(self) -> None:
        """The second comes while the first waits for its fsync."""
        client = self._client()
        second = self._turns.spawn(lambda: self._attempt(lambda: self._record(client)), name="second", process=_OWN)

        def waiting(call: str, name: str, content: bytes) -> int | None:
            if call == "fdatasync":
                self._turns.wait(lambda: second.is_over or second.waits_for is not None)
            return self._meet(call, name, content)

        client.env.meet = waiting
        try:
            self._record(client)
        finally:
            client.env.meet = self._meet
        self._turns.wait(lambda: second.is_over)

    def _failing(self, what: str) -> Meet:
        def meet(call: str, name: str, content: bytes) -> int | None:
            answer = self._meet(call, name, content)
            if call == what:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return answer

        return meet

    def _files_lost(self) -> None:
        """Derived files are damaged or gone, the mark is forgotten: all of it is made again."""
        self._record(self._client())
        self._leave()
        segments = self.disk.directory(_LAYOUT.segments)
        derived = [name for name in sorted(segments.entries) if name.endswith((".idx", ".keys"))]
        for number, name in enumerate(derived):
            if number % 2:
                segments.change({name: None})
            else:
                self.disk.file(_LAYOUT.segments / name).write(b"\0" * 8, 40)
        self.disk.file(_LAYOUT.durable).write(bytes(128), 0)
        snapshots = self.disk.directory(_LAYOUT.snapshots)
        for name in snapshots.entries:
            self.disk.file(_LAYOUT.snapshots / name).write(b"?", 30)
        self._attempt(lambda: self._record(self._client()))
        self._leave()
        for name in list(snapshots.entries):
            snapshots.change({name: None})
        snapshots.sync()

    def _rot(self) -> None:
        """Damage below what is durable, and no mark to tell: a later flush does. On a copy of the disk."""
        client = self._client()
        for _ in range(4):
            self._record(client, note_bytes=300)
        self._leave()
        whole, promises = self.disk, self.promises
        self.disk, self.promises = whole.after_kill(), Promises()
        try:
            self._open_damaged()
        finally:
            self.disk, self.promises = whole, promises

    def _open_damaged(self) -> None:
        names = self.disk.directory(_LAYOUT.segments).entries
        file = self.disk.file(_LAYOUT.segments / max(name for name in names if name.endswith(".jsonl")))
        file.write(b"?" * 8, bytes(file.content).rstrip(b"\n").rfind(b"\n") - 300)
        self.disk.file(_LAYOUT.durable).write(bytes(128), 0)
        client = self._open(_OWN)
        if client.journal.status.state != "read_only":
            self._wrong.append("damage below what is durable was accepted")
        client.journal.close()


def _dead(call: str, name: str, content: bytes) -> int | None:
    raise Killed
