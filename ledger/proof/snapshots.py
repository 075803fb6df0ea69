"""Snapshots held against the journal: opening passes over a wrong one, but whoever verifies wants to hear of it."""

from __future__ import annotations

from typing import NamedTuple

from ledger.engine.env import Env
from ledger.engine.event import SnapshotState
from ledger.engine.layout import Layout
from ledger.engine.snapshot import NOT_RESTORED, restore, snapshot_seqs


class WrongSnapshot(NamedTuple):
    """The snapshot behind event ``seq`` is damaged, of another version or of another journal, as ``reason`` says."""

    seq: int
    name: str
    reason: str


def wrong_snapshots(env: Env, layout: Layout, state: SnapshotState) -> list[WrongSnapshot]:
    """Those that would be passed over. ``state`` is one to restore into; reads every segment below each."""
    found = []
    for seq in snapshot_seqs(env, layout):
        state.reset()
        try:
            restore(env, layout, state, seq)
        except NOT_RESTORED as error:
            found.append(WrongSnapshot(seq, layout.snapshot(seq).name, str(error)))
    state.reset()
    return found
