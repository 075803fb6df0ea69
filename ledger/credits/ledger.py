"""The ledger: a journal with the credit state folded over it, and the one way to change both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.credits import commands, decide_approvals, decide_credits, decide_synergy, decide_system
from ledger.credits.accounts import AGENT_PREFIX, SYSTEM_ACCOUNTS, Account, Agent, account_of
from ledger.credits.answers import Answer, answer_of
from ledger.credits.approvals import Approval, ApprovalState, PendingApproval
from ledger.credits.eoc import EocReading
from ledger.credits.errors import (
    AlreadyRecorded,
    InvalidChoice,
    MissingKey,
    UnknownAgent,
    UnknownApproval,
    UnknownCommand,
)
from ledger.credits.movements import agent_account
from ledger.credits.snapshots import SnapshotTaker
from ledger.credits.state import CreditState
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import Conflict
from ledger.engine.event import Command, Event, Head, NewEvent, Receipt
from ledger.engine.journal import Journal, JournalStatus
from ledger.engine.limits import SEGMENT_BYTES

DECIDED_KNOWN_MAX = 1000
"""Decided approvals that are kept in memory once they were read."""

_Decide = Callable[[Any, CreditState], list[NewEvent]]
_DecideInTime = Callable[[Any, CreditState, Callable[[], int]], list[NewEvent]]

_RULES: dict[type[commands.CreditCommand], _Decide] = {
    commands.CreateAgent: decide_credits.create_agent,
    commands.Consume: decide_credits.consume,
    commands.Refund: decide_credits.refund,
    commands.AddCredits: decide_credits.add_credits,
    commands.Withdraw: decide_credits.withdraw,
    commands.Regenerate: decide_credits.regenerate,
    commands.Transfer: decide_credits.transfer,
    commands.CancelApproval: decide_approvals.cancel_approval,
    commands.RecordCollaboration: decide_synergy.record_collaboration,
    commands.RecordReuse: decide_synergy.record_reuse,
    commands.SampleEoc: decide_system.sample_eoc,
    commands.RecordBreaker: decide_system.record_breaker,
}
_RULES_IN_TIME: dict[type[commands.CreditCommand], _DecideInTime] = {
    commands.RequestApproval: decide_approvals.request_approval,
    commands.DecideApproval: decide_approvals.decide_approval,
    commands.ExpireApproval: decide_approvals.expire_approval,
}


class Ledger:
    """A credit ledger on one journal directory. Thread-safe; several processes may have the same directory open."""

    def __init__(self, *, journal: Journal, state: CreditState, env: Env, taker: SnapshotTaker | None = None) -> None:
        self.journal = journal
        self._state = state
        self._env = env
        self._taker = taker
        self._decided: dict[str, Approval] = {}  # what was read of final decisions, which nothing changes any more

    @classmethod
    def open(
        cls,
        *,
        path: Path,
        segment_bytes: int = SEGMENT_BYTES,
        read_only: bool = False,
        from_snapshot: bool = True,
        takes_snapshots: bool = False,
        env: Env | None = None,
    ) -> Ledger:
        """Open the journal directory, replay it, create it when it is new and not `read_only`.

        `from_snapshot`: replay only what came after the newest valid snapshot; without it everything, which proves
        more. `takes_snapshots`: have one taken after each seal, by a process of its own.
        """
        state = CreditState()
        effects = env if env is not None else OsEnv()
        taker = SnapshotTaker(path) if takes_snapshots else None
        journal = Journal.open(
            path=path,
            state=state,
            env=effects,
            segment_bytes=segment_bytes,
            read_only=read_only,
            from_snapshot=from_snapshot,
            sealed=taker.start if taker is not None else None,
        )
        return cls(journal=journal, state=state, env=effects, taker=taker)

    def close(self) -> None:
        """Give the files back. What was acknowledged is durable already."""
        self.journal.close()
        if self._taker is not None:
            self._taker.settle()

    def execute(
        self,
        command: commands.CreditCommand,
        *,
        key: str,
        actor: str,
        correlation: str,
        expected: tuple[str, int] | None = None,
    ) -> Answer:
        """Carry out a command once and durably.

        The same key with the same command gives the same answer again, with another one IdempotencyMismatch.
        `expected` is (stream, version) for a compare-and-set, Conflict when the stream has moved on; what is recorded
        once expects its own new stream and nothing else. Refusals of the
        rules are subclasses of Rejected and leave no event; JournalFull, NotWritten and DurabilityUnknown come from
        the engine and say what is known about the effect.
        """
        if not key:
            raise MissingKey
        once = command.once_stream
        if once is not None and expected not in (None, (once, 0)):
            raise InvalidChoice(field="expected", choices=f"{once} 0")
        order = Command(
            key=key,
            fingerprint=commands.fingerprint_of(command),
            actor=actor,
            correlation=correlation,
            decide=self._rule_for(command),
            expected=expected if once is None else (once, 0),
        )
        try:
            receipt = self.journal.execute(order)
        except Conflict as conflict:
            if once is None:
                raise
            raise AlreadyRecorded(what=once) from conflict
        return answer_of(Receipt(events=tuple(map(self.current, receipt.events)), is_repeated=receipt.is_repeated))

    def balance(self, account: str) -> int:
        """Micro-credits of an agent ("a-17") or of a named account ("agent:a-17", "system:reward"); UnknownAgent."""
        return self.journal.query(lambda: self._account(account).balance_micros)

    def accounts(self) -> dict[str, int]:
        """Every account with its balance in micro-credits. The sum is always 0."""
        return self.journal.query(
            lambda: {name: account.balance_micros for name, account in self._state.accounts.items()}
        )

    def agents(self) -> tuple[str, ...]:
        """The agents in the order in which they were created."""
        prefix = len(AGENT_PREFIX)
        return self.journal.query(
            lambda: tuple(name[prefix:] for name in self._state.accounts if name.startswith(AGENT_PREFIX))
        )

    def agent(self, agent: str) -> Agent:
        """One agent; UnknownAgent, also for the name of a system account."""
        return self.journal.query(lambda: _agent_of(agent, agent_account(self._state, agent)))

    def agents_from(self, start: int, *, limit: int) -> tuple[Agent, ...]:
        """At most `limit` agents in the order in which they were created, without the first `start`."""
        prefix, first = len(AGENT_PREFIX), len(SYSTEM_ACCOUNTS) + start
        return self.journal.query(
            lambda: tuple(
                _agent_of(name[prefix:], account)
                for name, account in islice(self._state.accounts.items(), first, first + limit)
            )
        )

    def synergy_rewarded(self, agent: str) -> int:
        """Micro-credits of synergy an agent got in its life."""
        return self.journal.query(lambda: self._account(account_of(agent)).rewarded_micros)

    def eoc(self) -> EocReading:
        """The CI score and the controller as they stand."""
        return self.journal.query(lambda: self._state.eoc)

    def open_breakers(self) -> dict[str, str]:
        """The KARMA endpoints whose breaker is open, with the reason."""
        return self.journal.query(lambda: dict(self._state.open_breakers))

    def approval(self, request: str) -> Approval:
        """One request: an open one from memory, a decided one from its events, read once. UnknownApproval.

        The journal is read from its end back to the request, so a recent one costs little however long the journal is.
        """
        return self._approval(request, seq=None)

    def _approval(self, request: str, *, seq: int | None) -> Approval:
        """`seq`: of its `approval.requested`, where that is known."""
        pending, state = self.journal.query(
            lambda: (self._state.pending.get(request), self._state.approval_state_of(request))
        )
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

    def _events_of(self, stream: str, *, seq: int | None) -> Iterator[Event]:
        """All events of a stream in their order; the reading ends with the last of them, not with the journal."""
        count = self.journal.stream_version(stream)
        if seq is not None:
            return self.events(stream=stream, after=seq - 1, limit=count)
        return reversed(list(self.events(stream=stream, limit=count, descending=True)))

    def approval_state(self, request: str) -> ApprovalState | None:
        """Where a request stands, from memory; None when nobody requested it."""
        return self.journal.query(lambda: self._state.approval_state_of(request))

    def approvals(self, *, state: ApprovalState | None = None) -> Iterator[Approval]:
        """Requests in the order they were made, all or those in one state; only pending ones come without reading."""
        if state is ApprovalState.PENDING:
            yield from map(_open_approval, self.journal.query(lambda: tuple(self._state.pending.values())))
            return
        for event in self.events(types=["approval.requested"]):
            approval = self._approval(event.data["request"], seq=event.seq)
            if state is None or approval.state is state:
                yield approval

    def events(self, **filters: Any) -> Iterator[Event]:
        """Recorded events in their newest schema, filtered as `Journal.read` does it, in constant memory."""
        return map(self.current, self.journal.read(**filters))

    def event(self, seq: int) -> Event:
        """One event in its newest schema. Raises UnknownSeq, Corrupt."""
        return self.current(self.journal.get(seq=seq))

    def current(self, event: Event) -> Event:
        """A recorded event in the newest schema of its type; its hash stays the recorded one. Raises UnknownSchema."""
        return self._state.current(event)

    def state_digest(self) -> str:
        """SHA-256 of the state; every replay of the same events reaches the same one."""
        return self.journal.query(self._state.digest)

    @property
    def head(self) -> Head:
        """The last durable event: its seq and hash."""
        return self.journal.head

    @property
    def status(self) -> JournalStatus:
        """How the journal is doing."""
        return self.journal.status

    def _rule_for(self, command: commands.CreditCommand) -> Callable[[], list[NewEvent]]:
        kind = type(command)
        state = self._state
        rule = _RULES.get(kind)
        if rule is not None:
            return lambda: rule(command, state)
        rule_in_time = _RULES_IN_TIME.get(kind)
        if rule_in_time is None:
            raise UnknownCommand(command=kind.__name__)
        return lambda: rule_in_time(command, state, self._env.wall_micros)

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
