"""A directory for a journal on one of the kinds of disk."""

from pathlib import Path
from typing import NamedTuple

from ledger.engine import Journal
from ledger.engine.env import Env, OsEnv
from ledger.engine.event import State
from ledger.simulation import SimDisk, SimEnv
from ledger.tests.engine.counting import Counting


class Place(NamedTuple):
    """``disk``: the simulated one, None for the real one."""

    path: Path
    disk: SimDisk | None

    def env(self) -> Env:
        """The effects of one more process."""
        return OsEnv() if self.disk is None else SimEnv(self.disk)


def opened(
    place: Place,
    *,
    state: State | None = None,
    segment_bytes: int = 2**20,
    read_only: bool = False,
    env: Env | None = None,
) -> Journal:
    """The journal at a place, with a fresh counting state unless there is another."""
    return Journal.open(
        path=place.path,
        state=state if state is not None else Counting(),
        env=env or place.env(),
        segment_bytes=segment_bytes,
        read_only=read_only,
    )
