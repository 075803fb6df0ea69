"""A crash at every call of a workload, with any subset of what was not synced yet."""

from __future__ import annotations

from random import Random

from ledger.simulation.client import Client, judge
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import SimEnv
from ledger.simulation.outcome import Outcome
from ledger.simulation.promises import Promises
from ledger.simulation.workload import Workload

_FINDINGS_MAX = 5
_DEEP_EVERY = 16


class _Crashes:
    """Takes images of the disk before every call of the process on it, and judges them."""

    def __init__(self, seed: int, images: int, segment_bytes: int, share: tuple[int, int]) -> None:
        self.outcome = Outcome(suite="crashes", unit="images")
        self._share = share
        self._seed = seed
        self._images = images
        self._segment_bytes = segment_bytes
        self._seen: set[tuple[int, int]] = set()
        self.disk = SimDisk(seed=seed)
        self.promises = Promises()
        self.env = SimEnv(self.disk, meet=self._before)
        self._call = 0

    def _before(self, call: str, name: str, content: bytes) -> None:
        self._call += 1
        self.promises.see(content)
        outcome, (share, of) = self.outcome, self._share
        if self._call % of != share:
            return
        for number in range(self._images + 1):
            if len(outcome.findings) >= _FINDINGS_MAX:
                return
            chance = Random(f"{self._seed}/{self._call}/{number}")
            image = self.disk.after_power_cut(chance) if number else self.disk.after_kill()
            outcome.tried += 1
            mark = (self._call, image.signature())
            outcome.distinct += mark not in self._seen
            self._seen.add(mark)
            is_deep = (self._call + number) % _DEEP_EVERY == 0
            if wrong := judge(image, self.promises, segment_bytes=self._segment_bytes, is_deep=is_deep):
                what = "power cut" if number else "kill"
                outcome.findings.append(
                    f"seed {self._seed}, call {self._call} ({call} {name}), image {number} ({what}): {wrong}"
                )

    def run(self, operations: int) -> Outcome:
        chance = Random(self._seed)
        workload = Workload(chance, name=f"s{self._seed}")
        client = Client(self.env, self.promises, segment_bytes=self._segment_bytes)
        for _ in range(operations):
            client = workload.step(client, self._restart)
            client.journal.settle_sealing()
        client.journal.close()
        self.outcome.findings += client.wrong
        if not self._share[0]:  # the others live the same life
            self.outcome.count("operations", operations)
            self.outcome.count("calls of the system", self._call)
            self.outcome.count("commands acknowledged", len(self.promises.acknowledged))
        return self.outcome

    def _restart(self, client: Client) -> Client:
        client.journal.close()
        self.outcome.findings += client.wrong
        return Client(self.env, self.promises, segment_bytes=self._segment_bytes)


def crash_everywhere(
    *, seed: int, operations: int, images: int, segment_bytes: int = 12_288, share: tuple[int, int] = (0, 1)
) -> Outcome:
    """Before every call of ``operations`` steps: the disk as a kill leaves it, and ``images`` power cuts.

    ``share`` (n, of): only the n-th of every so many calls, for those who divide the work.
    """
    return _Crashes(seed, images, segment_bytes, share).run(operations)
