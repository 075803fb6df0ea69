"""What was looked up about authority, remembered until an audited act changes anything.

Every change of tokens, roles and people writes an audit entry, and every audit entry moves the epoch: 16 random bytes
in a file of the storage, which every process of this machine reads before it trusts its memory. So a revoked token or a
role taken away counts from the moment the act is answered, in all processes at once, and yet a request costs no query.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from django.conf import settings

REMEMBERED_SECONDS = 5.0
"""The most that a look-up holds where no epoch tells: on another machine with the same database, or when the process
that acted was killed between its commit and its note."""

REMEMBERED_MAX = 10_000
_EPOCH_BYTES = 16

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Known(NamedTuple, Generic[Value]):
    epoch: bytes
    until: float
    value: Value


_opening = threading.Lock()
_opened: tuple[str, int] | None = None
_memories: list[Remembered[Hashable, object]] = []


def current() -> bytes:
    """The epoch as it is now; empty before the first audit entry of this storage. Raises OSError."""
    return os.pread(_descriptor(), _EPOCH_BYTES, 0)


def advance() -> None:
    """Let nobody on this machine trust what they looked up before. Raises OSError."""
    os.pwrite(_descriptor(), os.urandom(_EPOCH_BYTES), 0)


def forget_everything() -> None:
    """As in a new process."""
    for memory in _memories:
        memory.forget()


class Remembered(Generic[Key, Value]):
    """Answers of `look_up` by key, in this process. A look-up that raises is not remembered."""

    def __init__(self, look_up: Callable[[Key], Value]) -> None:
        self._look_up = look_up
        self._known: dict[Key, _Known[Value]] = {}
        _memories.append(self)  # type: ignore[arg-type]  # only ever asked to forget

    def get(self, key: Key) -> Value:
        """The answer as the last audited act left it, looked up where it is not known."""
        epoch, now = current(), time.monotonic()  # before the look-up: what changes meanwhile makes it worthless
        known = self._known.get(key)
        if known is not None and known.epoch == epoch and known.until > now:
            return known.value
        value = self._look_up(key)
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[key] = _Known(epoch=epoch, until=now + REMEMBERED_SECONDS, value=value)
        return value

    def forget(self) -> None:
        """Nothing is known any more."""
        self._known.clear()


def _descriptor() -> int:
    """The file of the storage; it stays open, as it is written in place and never replaced."""
    global _opened
    storage, opened = str(settings.STORAGE), _opened
    if opened is not None and opened[0] == storage:
        return opened[1]
    with _opening:
        if _opened is None or _opened[0] != storage:
            descriptor = os.open(f"{storage}/authority.epoch", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _opened is not None:  # of another storage, which only tests have
                os.close(_opened[1])
            _opened = storage, descriptor
        return _opened[1]
