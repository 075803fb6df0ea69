"""The worked example of FORMAT.md: read out of the text, and made by the engine on a simulated disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ledger.engine import Command, Event, Journal, NewEvent
from ledger.engine.canonical import digest_of
from ledger.engine.env import Env
from ledger.engine.layout import Layout
from ledger.engine.snapshot import sealed_place, write_snapshot
from ledger.simulation.disk import SimDisk
from ledger.simulation.env import SimEnv

TEXT = (Path(__file__).resolve().parents[2] / "engine" / "FORMAT.md").read_text(encoding="utf-8")
SEGMENT_BYTES = 4096
FILLED_BYTES = 69_632
_HOME = Path("/disk/events/example")
_BLOCK = re.compile(r"^#### `([^`]+)`.*?^```(text|hex)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files_in_text() -> dict[str, bytes]:
    """By name: the bytes that the text shows, and the newlines behind them of which it tells."""
    found = {}
    for name, kind, body in _BLOCK.findall(TEXT):
        found[name] = body.encode() if kind == "text" else bytes.fromhex(re.sub(r"^\w{4}:|\s", "", body, flags=re.M))
    active = "segments/00000000000000000006.jsonl"
    return found | {active: found[active].ljust(FILLED_BYTES, b"\n")}


class Sums:
    """The state of the example: a sum by stream."""

    schema = 1

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}

    def apply(self, event: Event) -> None:
        if event.type == "credit.consumed":
            self.sums[event.stream] = self.sums.get(event.stream, 0) + event.data["amount_micros"]

    def reset(self) -> None:
        self.sums.clear()

    def digest(self) -> str:
        return digest_of(self.sums)

    def rows(self) -> Iterator[list[Any]]:
        for stream, amount in self.sums.items():
            yield ["sum", stream, amount]

    def restore(self, rows: Iterable[list[Any]]) -> None:
        self.sums = {stream: amount for _, stream, amount in rows}


def files_by_engine() -> dict[str, bytes]:
    """By name: what the engine writes for the story that the text tells."""
    disk = SimDisk(seed=1)
    env, state = SimEnv(disk), Sums()
    journal = Journal.open(path=_HOME, state=state, env=env, segment_bytes=SEGMENT_BYTES)
    _order(journal, "order-1", _consumed("agent:ann", 1_500_000, "größer"))
    alarm = NewEvent(stream="agent:ann", type="anomaly.detected", data={"factor": 9}, caused_by=0)
    _order(journal, "order-2", _consumed("agent:ann", 700_000, "x"), alarm)
    journal.seal()
    _snapshot(env, state)
    _order(journal, "order-3", _consumed("agent:bob", 1, "y"))
    journal.close()
    home = str(_HOME) + "/"
    return {str(path).removeprefix(home): bytes(file.content) for path, file in disk.files().items()}


def _consumed(stream: str, amount: int, note: str) -> NewEvent:
    return NewEvent(stream=stream, type="credit.consumed", data={"amount_micros": amount, "note": note})


def _order(journal: Journal, key: str, *events: NewEvent) -> None:
    command = Command(key=key, fingerprint="9a0c" * 8, actor="user:12", correlation="mission:9", decide=lambda: events)
    journal.execute(command)


def _snapshot(env: Env, state: Sums) -> None:
    """Behind the seal, which is event 5."""
    layout = Layout(_HOME)
    place, _ = sealed_place(env, layout, 5)
    write_snapshot(env, layout, state, place)


def as_text(files: dict[str, bytes]) -> str:
    """The blocks of the text, for whoever has to write them anew."""
    blocks = []
    for name, content in sorted(files.items()):
        if name == "lock":
            continue
        if name.endswith((".json", ".jsonl")):
            blocks.append(f"#### `{name}`\n\n```text\n{content.rstrip(chr(10).encode()).decode()}\n```\n")
        else:
            rows = [f"{at:04x}: {content[at : at + 16].hex(' ', 4)}" for at in range(0, len(content), 16)]
            blocks.append(f"#### `{name}`\n\n```hex\n" + "\n".join(rows) + "\n```\n")
    return "\n".join(blocks)
