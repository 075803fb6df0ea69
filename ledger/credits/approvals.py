"""Approvals: states, what is kept of an open request, and the table of decided ones in about 100 bytes each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

AUTOMATIC_APPROVER = "system:policy"


class ApprovalState(StrEnum):
    """Where a request stands; all but the first are final."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_CODES = tuple(ApprovalState)


class PendingApproval(NamedTuple):
    """An open request as the state keeps it; `approvers` are those who said yes so far.

    `seq` is that of the event that opened it: the cause of what becomes of it.
    """

    request: str
    seq: int
    action_type: str
    risk_level: str
    context: str
    requester: str
    amount_micros: int | None
    approvals_needed: int
    requested_at: str
    expires_at: str
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A request as people read it, with the decision when there is one; `seq` is where it was made."""

    request: str
    seq: int
    state: ApprovalState
    action_type: str
    risk_level: str
    context: str
    requester: str
    amount_micros: int | None
    approvals_needed: int
    requested_at: str
    expires_at: str
    approvers: tuple[str, ...]
    decided_by: str | None = None
    decided_at: str | None = None
    reason: str | None = None


class DecidedApprovals:
    """Which requests have their final state: 120 bits of a hash each, so the table stays small for life.

    A false hit would refuse a new request; among a hundred million requests its probability is below 10^-20.
    """

    __slots__ = ("_codes",)

    def __init__(self) -> None:
        self._codes: dict[int, int] = {}

    def add(self, *, request: str, state: ApprovalState) -> None:
        """Remember the final state of a request."""
        self._codes[_fold(request)] = _CODES.index(state)

    def state_of(self, request: str) -> ApprovalState | None:
        """The final state of a request; None when it has none."""
        code = self._codes.get(_fold(request))
        return None if code is None else _CODES[code]

    def rows(self) -> Iterator[tuple[int, int]]:
        """Every entry in a fixed order, for the state digest."""
        return iter(sorted(self._codes.items()))

    def snapshot_rows(self) -> Iterator[tuple[str, str]]:
        """Every entry, in the order in which they came: the hash in hexadecimal digits, and the state."""
        return ((f"{fold:x}", _CODES[code]) for fold, code in self._codes.items())

    def restore_row(self, fold: str, state: str) -> None:
        """One of `snapshot_rows` again."""
        self._codes[int(fold, 16)] = _CODES.index(ApprovalState(state))


def pending_from(data: dict[str, Any], *, seq: int, requested_at: str) -> PendingApproval:
    """The open request an `approval.requested` event describes."""
    return PendingApproval(
        request=data["request"],
        seq=seq,
        action_type=data["action_type"],
        risk_level=data["risk_level"],
        context=data["context"],
        requester=data["requester"],
        amount_micros=data.get("amount_micros"),
        approvals_needed=data["approvals_needed"],
        requested_at=requested_at,
        expires_at=data["expires_at"],
    )


def _fold(request: str) -> int:
    return int.from_bytes(blake2b(request.encode(), digest_size=15).digest(), "big")
