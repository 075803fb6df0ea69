"""A ledger for tests: the real one on a real directory, with short ways to give orders and to see what they left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ledger import Answer, Event, Ledger, Rejected, commands
from ledger.engine.env import OsEnv

CREDIT = 1_000_000


class ShiftedClock(OsEnv):
    """The real effects with a wall clock that tests move forward."""

    def __init__(self) -> None:
        self.shift_micros = 0

    def wall_micros(self) -> int:
        return super().wall_micros() + self.shift_micros

    def steady_micros(self) -> int:
        return super().steady_micros() + self.shift_micros

    def pass_hours(self, hours: int) -> None:
        """Let time pass for both clocks, so that no jump is seen."""
        self.shift_micros += hours * 3_600_000_000


class Desk:
    """Where tests give orders: every one gets a key of its own unless the test names it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.clock = ShiftedClock()
        self._options = options
        self._keys = count(1)
        self.ledger = Ledger.open(path=path, env=self.clock, **options)

    def order(self, command: commands.CreditCommand, *, key: str | None = None, **more: Any) -> Answer:
        """Carry out one command as user:1 for mission:9."""
        key = key if key is not None else f"order-{next(self._keys)}"
        return self.ledger.execute(command, key=key, actor="user:1", correlation="mission:9", **more)

    def open_account(self, agent: str, amount: int = 1000) -> str:
        """An agent with so many credits."""
        self.order(commands.CreateAgent(agent=agent, initial_micros=amount * CREDIT))
        return agent

    def consume(self, agent: str, amount: int, *, key: str | None = None, **more: Any) -> Answer:
        """Let an agent spend."""
        return self.order(commands.Consume(agent=agent, amount_micros=amount * CREDIT, reason="work", **more), key=key)

    def events(self) -> list[Event]:
        """What was recorded, without the engine's own records."""
        return [event for event in self.ledger.events() if event.stream != "system:journal"]

    def types(self) -> list[str]:
        """The types of what was recorded."""
        return [event.type for event in self.events()]

    @contextmanager
    def assert_refused(self, error: type[Rejected]) -> Iterator[pytest.ExceptionInfo[Rejected]]:
        """The block is refused with this error and leaves neither an event nor a change of state."""
        before = (len(self.events()), self.ledger.state_digest())
        with pytest.raises(error) as refused:
            yield refused
        assert (len(self.events()), self.ledger.state_digest()) == before

    def reopen(self) -> Ledger:
        """Close and replay from the files."""
        self.ledger.close()
        self.ledger = Ledger.open(path=self.path, env=self.clock, **self._options)
        return self.ledger
