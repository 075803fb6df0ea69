"""The accounts of one attempt as its audit found them, read back from the output that is kept as evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from console.kernel.errors import GatehouseError
from testruns.evidence import read
from testruns.models import Attempt

_MARK: Final = b'"account"'
_FIELDS: Final = ("live_micros", "journal_micros", "drift_micros")


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What the ledger says an account holds, what its movements add up to, and the difference, in micro-credits."""

    name: str
    live_micros: int
    journal_micros: int
    drift_micros: int


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The accounts an attempt told of, the largest drift first; `problem` says why the evidence cannot be read."""

    told: tuple[Account, ...] = ()
    problem: GatehouseError | None = None


def accounts_of(attempt: Attempt | None) -> Accounts:
    """Every account in the output of the attempt; none when there is no output."""
    if attempt is None or attempt.output_id is None:
        return Accounts()
    try:
        content = read(attempt.output_id)
    except GatehouseError as refusal:
        return Accounts(problem=refusal)
    told = (_account(line) for line in content.splitlines() if _MARK in line)
    return Accounts(told=tuple(account for account in told if account is not None))


def _account(line: bytes) -> Account | None:
    """None for a line that is none: the output of an attempt that broke the protocol may hold anything."""
    try:
        said: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("type") != "account":
        return None
    if not isinstance(said.get("name"), str) or not all(type(said.get(field)) is int for field in _FIELDS):
        return None
    return Account(name=said["name"], **{field: said[field] for field in _FIELDS})
