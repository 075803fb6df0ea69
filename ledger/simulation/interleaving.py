"""Days that a seed decides: processes and threads take turns, calls fail, clocks jump, kills and power cuts come.

The same seed makes the same calls in the same order with the same bytes, so that a finding can be looked at again.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from zlib import crc32

from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout
from ledger.engine.mark import SLOT_BYTES
from ledger.simulation.client import HOME, Client, judge
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import Meet, SimEnv
from ledger.simulation.outcome import Outcome
from ledger.simulation.promises import Promises
from ledger.simulation.turns import Killed, Turns
from ledger.simulation.workload import Workload

_SEGMENT_BYTES = (4096, 8192, 16_384, 65_536)
_SWITCHING = (0.02, 0.1, 0.4)
_FAULT_SHARES = (0.0, 0.0, 0.002, 0.01)
_FAILING: dict[str, tuple[int, ...]] = {
    "open": (errno.EMFILE, errno.EIO),
    "pread": (errno.EIO,),
    "pwrite": (0, 0, errno.ENOSPC, errno.EIO),
    "fdatasync": (errno.EIO,),
    "fsync": (errno.EIO,),
    "link": (errno.EIO,),
    "rename": (errno.EIO,),
    "sync_directory": (errno.EIO,),
    "names": (errno.EIO,),
}
_LAYOUT = Layout(HOME)
_SYNCS = ("fdatasync", "fsync", "sync_directory")
_JUMPS = (60_000_000, 3_600_000_000, -5_000_000, -3_600_000_000)


@dataclass(kw_only=True, slots=True)
class _Plan:
    """What will happen to the processes between two power cuts or restarts of all of them."""

    processes: int
    threads: int
    steps: int
    switching: float
    fault_share: float
    kill_at: dict[int, int]
    cut_at: int
    jump_at: int


class _Day:
    def __init__(self, seed: int) -> None:
        self.outcome = Outcome(suite="interleavings", unit="seeds", tried=1, distinct=1)
        self.promises = Promises()
        self._seed = seed
        self._chance = Random(seed)
        self._disk = SimDisk(seed=seed)
        self._segment_bytes = self._chance.choice(_SEGMENT_BYTES)
        self._trace = hashlib.sha256()
        self._has_failed_sync = False
        self._clients: list[Client] = []
        self._envs: dict[int, SimEnv] = {}
        self._keys: list[str] = []
        self._is_cut = False

    def run(self) -> Outcome:
        for number in range(self._chance.randint(1, 3)):
            self._go(number, self._planned())
            for client in self._clients:
                self.outcome.findings += [f"seed {self._seed}: {wrong}" for wrong in client.wrong]
            self._clients.clear()
            self._judge(number)
            if self.outcome.findings:
                break
        self.outcome.count("commands acknowledged", len(self.promises.acknowledged))
        self.outcome.trace = self._trace.hexdigest()
        return self.outcome

    def _planned(self) -> _Plan:
        chance = self._chance
        processes = chance.randint(1, 4)
        return _Plan(
            processes=processes,
            threads=chance.randint(1, 3),
            steps=chance.randint(3, 15),
            switching=chance.choice(_SWITCHING),
            fault_share=chance.choice(_FAULT_SHARES),
            kill_at={number: chance.randint(20, 1500) for number in range(processes) if chance.random() < 0.4},
            cut_at=chance.randint(50, 4000) if chance.random() < 0.4 else 0,
            jump_at=chance.randint(50, 2000) if chance.random() < 0.3 else 0,
        )

    def _go(self, number: int, plan: _Plan) -> None:
        turns = Turns(Random(f"{self._seed}/{number}"), switching=plan.switching)
        self._is_cut = False
        self._envs.clear()
        for process in range(plan.processes):
            env = self._envs[process] = SimEnv(self._disk, turns=turns, process=process)
            env.meet = self._meeting(turns, plan, process)
            turns.spawn(self._working(turns, plan, number, process), name=f"p{process}", process=process)
        turns.run()
        if turns.stuck:
            self._find(f"{turns.stuck} wait for ever")
        if turns.errors:
            self._find(f"{turns.errors[0]!r} came out of the journal")
        if self._is_cut:
            self._disk = self._disk.after_power_cut(Random(f"{self._seed}/{number}/cut"))
            self.outcome.count("power cuts")
        else:
            for env in self._envs.values():
                env.leave()

    def _find(self, what: str) -> None:
        self.outcome.findings.append(f"seed {self._seed}: {what}")

    # Processes

    def _working(self, turns: Turns, plan: _Plan, number: int, process: int) -> Callable[[], None]:
        """The first thread of a process opens the journal, starts the others, and works too."""

        def thread(client: Client, index: int) -> None:
            name = f"r{number}p{process}t{index}"
            workload = Workload(Random(f"{self._seed}/{name}"), name=name, keys=self._keys)
            for _ in range(plan.steps):
                client = workload.step(client, self._restarted if plan.threads == 1 else lambda same: same)
                self._recover(client)

        def first() -> None:
            with suppress(LedgerError, OSError):
                client = self._opened(self._envs[process])
                for index in range(1, plan.threads):
                    turns.spawn(partial(thread, client, index), name=f"p{process}t{index}", process=process)
                thread(client, 0)

        return first

    def _opened(self, env: SimEnv) -> Client:
        client = Client(env, self.promises, segment_bytes=self._segment_bytes)
        self._clients.append(client)
        return client

    def _restarted(self, client: Client) -> Client:
        with suppress(LedgerError, OSError):
            client.journal.close()
            return self._opened(client.env)
        return client

    def _recover(self, client: Client) -> None:
        """Now and then somebody mends a poisoned journal."""
        if client.journal.status.state == "poisoned" and self._chance.random() < 0.3:
            with suppress(LedgerError, OSError):
                client.journal.recover(reason="simulated", actor="user:1")
                self.outcome.count("poisoned journals recovered")

    # What happens to them

    def _meeting(self, turns: Turns, plan: _Plan, process: int) -> Meet:
        calls = [0]

        def meet(call: str, name: str, content: bytes) -> int | None:
            calls[0] += 1
            self.outcome.count("calls of the system")
            self._trace.update(b"%b %b %b %08x\n" % (turns.name.encode(), call.encode(), name.encode(), crc32(content)))
            if call == "pwrite":
                self.promises.see(content)
                is_slot = name == _LAYOUT.durable.name and len(content) == SLOT_BYTES  # a copy's mark has two at once
                if is_slot and not self._envs[process].holds(_LAYOUT.lock):
                    self._find(f"{turns.name} wrote without the lock")
            if calls[0] == plan.jump_at:
                self._disk.wall += self._chance.choice(_JUMPS)
                self.outcome.count("clock jumps")
            if calls[0] == plan.cut_at:
                self._is_cut = True
                for env in self._envs.values():
                    env.die()
                raise Killed
            if calls[0] == plan.kill_at.get(process):
                self.outcome.count("kills")
                self._envs[process].die()
                raise Killed
            if self._chance.random() < plan.fault_share and call in _FAILING:
                return self._fail(call, content)
            return None

        return meet

    def _fail(self, call: str, content: bytes) -> int:
        """A short write for 0, otherwise this error."""
        self.outcome.count("calls that failed")
        self._has_failed_sync |= call in _SYNCS
        number = self._chance.choice(_FAILING[call])
        if number:
            raise OSError(number, os.strerror(number))
        return len(content) // 2

    def _judge(self, number: int) -> None:
        """What a kill of everybody leaves, and two power cuts; the day goes on with the disk as it is."""
        for cut in range(3):
            image = self._disk.after_power_cut(Random(f"{self._seed}/{number}/{cut}"))
            if not cut:
                image = self._disk.after_kill()
            wrong = judge(
                image,
                self.promises,
                segment_bytes=self._segment_bytes,
                is_deep=True,
                has_failed_sync=self._has_failed_sync,
            )
            if wrong:
                self._find(f"part {number}, {'a power cut' if cut else 'a kill'} at its end: {wrong}")
                return


def interleave(*, seed: int) -> Outcome:
    """One day. ``trace`` of the answer is a digest of every call of every thread."""
    was_collecting = gc.isenabled()
    gc.disable()  # a generator that the collector closes would make its calls at a moment that no seed decides
    try:
        return _Day(seed).run()
    finally:
        gc.collect()
        if was_collecting:
            gc.enable()
