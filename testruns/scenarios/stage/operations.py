"""Operations on the ledger and what became of them: the list the audit holds against the journal.

A host appends one line per answer to its list with a single write, so that a killed host leaves a list that is
complete but for answers nobody saw.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import orjson

ACKNOWLEDGEMENTS_SUFFIX = ".acks.jsonl"


class Outcome(StrEnum):
    """What a caller knows about an operation. UNKNOWN: an answer that promises nothing either way."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Movement(NamedTuple):
    """A movement of credits: event type, account that pays, account that is paid, micro-credits."""

    type: str
    payer: str
    payee: str
    amount_micros: int


class Operation(NamedTuple):
    """Something to ask of the ledger. `correlation` is this operation's own, and a retry's.

    `make` makes the command; what the ledger refuses while it is made counts as its refusal. `owed` are the movements
    it must cause when it is done; None: the ledger decides them (rewards, regeneration).
    """

    key: str
    correlation: str
    make: Callable[[], Any]
    owed: tuple[Movement, ...] | None


class Acknowledgement(NamedTuple):
    """One answer. `seq` is the first event the ledger named, 0 without one; `code` is the refusal's or error's.

    `is_marked`: the answer said that the amount is an anomaly.
    """

    key: str
    correlation: str
    owed: tuple[Movement, ...] | None
    outcome: Outcome
    seq: int
    is_repeated: bool
    is_marked: bool
    code: str


def line_of(acknowledgement: Acknowledgement) -> bytes:
    """The acknowledgement as one JSON line."""
    return orjson.dumps(list(acknowledgement), default=tuple) + b"\n"


def acknowledgement_of(values: Sequence[Any]) -> Acknowledgement:
    """The acknowledgement that was written as these JSON values."""
    key, correlation, owed, outcome, seq, is_repeated, is_marked, code = values
    return Acknowledgement(
        key=key,
        correlation=correlation,
        owed=None if owed is None else tuple(Movement(*movement) for movement in owed),
        outcome=Outcome(outcome),
        seq=seq,
        is_repeated=is_repeated,
        is_marked=is_marked,
        code=code,
    )


class AcknowledgementList:
    """The list of one process, appended to by all its threads."""

    def __init__(self, *, path: Path) -> None:
        """Open `path` for appending. Raises OSError."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, acknowledgement: Acknowledgement) -> None:
        """Append one line with one write, which the kernel keeps whole even when this process is killed."""
        os.write(self._descriptor, line_of(acknowledgement))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_acknowledgements(directory: Path) -> Iterator[Acknowledgement]:
    """The lists of all processes of a run, one after the other."""
    for path in sorted(directory.glob(f"*{ACKNOWLEDGEMENTS_SUFFIX}")):
        with path.open("rb") as lines:
            for line in lines:
                yield acknowledgement_of(orjson.loads(line))
