"""An ordinary day of a journal in a few hundred steps: commands of all shapes, queries, seals, restarts, copies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from ledger.engine.copying import copy_journal
from ledger.engine.errors import LedgerError
from ledger.simulation.client import HOME, Client, command, moving

_STEPS: tuple[tuple[int, str], ...] = (
    (46, "one_event"),
    (20, "several_events"),
    (2, "large_event"),
    (8, "asked_again"),
    (6, "expected_version"),
    (5, "query"),
    (4, "read"),
    (4, "settle"),
    (3, "restart"),
    (1, "copy"),
    (1, "snapshot"),
)


class Workload:
    """Steps that follow from ``chance``. ``name`` keeps the new keys of several workloads apart; the ``keys`` that are
    asked for again they may share."""

    def __init__(self, chance: Random, *, name: str, keys: list[str] | None = None) -> None:
        self._chance = chance
        self._name = name
        self._count = 0
        self._keys = keys if keys is not None else []
        self._weights = [weight for weight, _ in _STEPS]
        self._names = [step for _, step in _STEPS]

    def step(self, client: Client, restart: Callable[[Client], Client]) -> Client:
        """One step; the answer is the client to go on with, another one after a restart."""
        (name,) = self._chance.choices(self._names, self._weights)
        if name == "restart":
            return restart(client)
        getattr(self, f"_{name}")(client)
        return client

    def _new_key(self) -> str:
        self._count += 1
        key = f"{self._name}-{self._count}"
        self._keys.append(key)
        return key

    def _stream(self) -> str:
        return f"agent:{self._chance.randrange(6)}"

    def _one_event(self, client: Client) -> None:
        note = self._chance.choice("xxxé") * self._chance.randrange(200)
        client.execute(command(self._new_key(), [moving(self._stream(), self._chance.randrange(100), note)]))

    def _several_events(self, client: Client) -> None:
        events = [moving(self._stream(), number) for number in range(self._chance.randint(2, 5))]
        client.execute(command(self._new_key(), events))

    def _large_event(self, client: Client) -> None:
        client.execute(command(self._new_key(), [moving(self._stream(), 1, "x" * self._chance.randint(1000, 3000))]))

    def _asked_again(self, client: Client) -> None:
        key = self._chance.choice(self._keys[-20:]) if self._keys else self._new_key()
        client.execute(command(key, [moving(self._stream(), 1)]))

    def _expected_version(self, client: Client) -> None:
        stream = self._stream()
        with suppress(LedgerError, OSError):
            version = client.journal.stream_version(stream) + self._chance.randrange(2)
            asked = command(self._new_key(), [moving(stream, 1)], expected=(stream, version))
            client.execute(asked)
            if self._chance.random() < 0.5:
                client.execute(asked)

    def _query(self, client: Client) -> None:
        with suppress(LedgerError, OSError):
            client.journal.query(client.state.digest)
            client.look()
            client.journal.get(seq=client.journal.head.seq)

    def _read(self, client: Client) -> None:
        with suppress(LedgerError, OSError):
            is_descending = self._chance.random() < 0.5
            list(client.journal.read(stream=self._stream(), limit=10, descending=is_descending))

    def _settle(self, client: Client) -> None:
        client.journal.settle_sealing()

    def _copy(self, client: Client) -> None:
        target = Path(f"/disk/copies/{self._name}-{self._count}-{self._chance.randrange(10**6)}")
        with suppress(LedgerError, OSError):
            copy_journal(source=HOME, target=target, env=client.env)

    def _snapshot(self, client: Client) -> None:
        with suppress(LedgerError, OSError, ValueError):
            client.snapshot()
