"""What can be asked about credits: the same questions to the ledger as it is now and as it was behind any event."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from ledger.credits.accounts import AGENT_PREFIX, SYSTEM_ACCOUNTS, Account, Agent, account_of
from ledger.credits.approvals import Approval, ApprovalState, PendingApproval
from ledger.credits.eoc import EocReading
from ledger.credits.errors import UnknownAgent, UnknownApproval
from ledger.credits.movements import agent_account
from ledger.credits.state import CreditState
from ledger.engine.event import Event

DECIDED_KNOWN_MAX = 1000
"""Decided approvals that are kept in memory once they were read."""

T = TypeVar("T")


class Readings(ABC):
    """Answers from a state. Whoever has one says how it is read, and which events it came from."""

    def __init__(self, state: CreditState) -> None:
        self._state = state
        self._decided: dict[str, Approval] = {}  # what was read of final decisions, which nothing changes any more

    @abstractmethod
    def _query(self, read: Callable[[], T]) -> T:
        """Run `read` while nobody changes the state."""

    @abstractmethod
    def events(self, **filters: Any) -> Iterator[Event]:
        """Recorded events in their newest schema, filtered as `Journal.read` does it, in constant memory."""

    @abstractmethod
    def _events_of(self, stream: str, *, seq: int | None) -> Iterator[Event]:
        """All events of a stream in their order; `seq` is that of the first where it is known."""

    def current(self, event: Event) -> Event:
        """A recorded event in the newest schema of its type; its hash stays the recorded one. Raises UnknownSchema."""
        return self._state.current(event)

    def balance(self, account: str) -> int:
        """Micro-credits of an agent ("a-17") or of a named account ("agent:a-17", "system:reward"); UnknownAgent."""
        return self._query(lambda: self._account(account).balance_micros)

    def accounts(self) -> dict[str, int]:
        """Every account with its balance in micro-credits. The sum is always 0."""
        return self._query(lambda: {name: account.balance_micros for name, account in self._state.accounts.items()})

    def agents(self) -> tuple[str, ...]:
        """The agents in the order in which they were created."""
        prefix = len(AGENT_PREFIX)
        return self._query(
            lambda: tuple(name[prefix:] for name in self._state.accounts if name.startswith(AGENT_PREFIX))
        )

    def agent(self, agent: str) -> Agent:
        """One agent; UnknownAgent, also for the name of a system account."""
        return self._query(lambda: _agent_of(agent, agent_account(self._state, agent)))

    def agents_from(self, start: int, *, limit: int) -> tuple[Agent, ...]:
        """At most `limit` agents in the order in which they were created, without the first `start`."""
        prefix, first = len(AGENT_PREFIX), len(SYSTEM_ACCOUNTS) + start
        return self._query(
            lambda: tuple(
                _agent_of(name[prefix:], account)
                for name, account in islice(self._state.accounts.items(), first, first + limit)
            )
        )

    def synergy_rewarded(self, agent: str) -> int:
        """Micro-credits of synergy an agent got in its life."""
        return self._query(lambda: self._account(account_of(agent)).rewarded_micros)

    def eoc(self) -> EocReading:
        """The CI score and the controller as they stand."""
        return self._query(lambda: self._state.eoc)

    def open_breakers(self) -> dict[str, str]:
        """The KARMA endpoints whose breaker is open, with the reason."""
        return self._query(lambda: dict(self._state.open_breakers))

    def approval(self, request: str) -> Approval:
        """One request: an open one from memory, a decided one from its events, read once. UnknownApproval.

        The journal is read from its end back to the request, so a recent one costs little however long the journal is.
        """
        return self._approval(request, seq=None)

    def _approval(self, request: str, *, seq: int | None) -> Approval:
        """`seq`: of its `approval.requested`, where that is known."""
        pending, state = self._query(lambda: (self._state.pending.get(request), self._state.approval_state_of(request)))
        if pending is not None:
            return _open_approval(pending)
        if state is None:
            raise UnknownApproval(request=request)
        known = self._decided.get(request)
        if known is None:
            if len(self._decided) >= DECIDED_KNOWN_MAX:
                self._decided.clear()
            known = self._decided[request] = _approval_of(self._events_of(f"approval:{request}", seq=seq))
        return known

    def approval_state(self, request: str) -> ApprovalState | None:
        """Where a request stands, from memory; None when nobody requested it."""
        return self._query(lambda: self._state.approval_state_of(request))

    def approvals(self, *, state: ApprovalState | None = None) -> Iterator[Approval]:
        """Requests in the order they were made, all or those in one state; only pending ones come without reading."""
        if state is ApprovalState.PENDING:
            yield from map(_open_approval, self._query(lambda: tuple(self._state.pending.values())))
            return
        for event in self.events(types=["approval.requested"]):
            approval = self._approval(event.data["request"], seq=event.seq)
            if state is None or approval.state is state:
                yield approval

    def state_digest(self) -> str:
        """SHA-256 of the state; every replay of the same events reaches the same one."""
        return self._query(self._state.digest)

    def _account(self, account: str) -> Account:
        accounts = self._state.accounts
        known = accounts.get(account) or accounts.get(account_of(account))
        if known is None:
            raise UnknownAgent(account=account)
        return known


def _agent_of(name: str, account: Account) -> Agent:
    return Agent(
        agent=name,
        balance_micros=account.balance_micros,
        rewarded_micros=account.rewarded_micros,
        skill_ppm=account.skill_ppm or 0,
    )


def _open_approval(pending: PendingApproval) -> Approval:
    return Approval(state=ApprovalState.PENDING, **pending._asdict())


def _approval_of(events: Iterator[Event]) -> Approval:
    requested = next(events)
    data = requested.data
    approvers: list[str] = []
    last = requested
    for last in events:
        if last.type == "approval.approved":
            approvers.append(last.data["approver"])
    return Approval(
        request=data["request"],
        seq=requested.seq,
        state=ApprovalState(last.data["state"]),
        action_type=data["action_type"],
        risk_level=data["risk_level"],
        context=data["context"],
        requester=data["requester"],
        amount_micros=data.get("amount_micros"),
        approvals_needed=data["approvals_needed"],
        requested_at=requested.time,
        expires_at=data["expires_at"],
        approvers=tuple(approvers),
        decided_by=last.data.get("approver") or last.data.get("by"),
        decided_at=last.time,
        reason=last.data.get("justification") or last.data.get("reason"),
    )
