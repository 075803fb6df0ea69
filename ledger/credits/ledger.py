"""The ledger: a journal with the credit state folded over it, and the one way to change both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ledger.credits import commands, decide_approvals, decide_credits, decide_synergy, decide_system
from ledger.credits.answers import Answer, answer_of
from ledger.credits.errors import AlreadyRecorded, InvalidChoice, MissingKey, UnknownCommand
from ledger.credits.past import PastLedger
from ledger.credits.readings import Readings
from ledger.credits.snapshots import SnapshotTaker
from ledger.credits.state import CreditState
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import Conflict
from ledger.engine.event import Command, Event, Head, NewEvent, Receipt
from ledger.engine.journal import Journal, JournalStatus
from ledger.engine.limits import SEGMENT_BYTES

T = TypeVar("T")
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


class Ledger(Readings):
    """A credit ledger on one journal directory. Thread-safe; several processes may have the same directory open."""

    def __init__(
        self, *, journal: Journal, path: Path, state: CreditState, env: Env, taker: SnapshotTaker | None = None
    ) -> None:
        super().__init__(state)
        self.journal = journal
        self._path = path
        self._env = env
        self._taker = taker

    @classmethod
    def open(
        cls,
        *,
        path: Path,
        segment_bytes: int = SEGMENT_BYTES,
        read_only: bool = False,
        from_snapshot: bool = True,
        takes_snapshots: bool | Callable[[], bool] = False,
        env: Env | None = None,
    ) -> Ledger:
        """Open the journal directory, replay it, create it when it is new and not `read_only`.

        `from_snapshot`: replay only what came after the newest valid snapshot; without it everything, which proves
        more. `takes_snapshots`: have one taken after each seal, by a process of its own; a question is asked each time,
        by the thread that made the files of the seal.
        """
        state = CreditState()
        effects = env if env is not None else OsEnv()
        taker = SnapshotTaker(path, is_wanted=takes_snapshots) if takes_snapshots else None
        journal = Journal.open(
            path=path,
            state=state,
            env=effects,
            segment_bytes=segment_bytes,
            read_only=read_only,
            from_snapshot=from_snapshot,
            sealed=taker.start if taker is not None else None,
        )
        return cls(journal=journal, path=path, state=state, env=effects, taker=taker)

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

    def events(self, **filters: Any) -> Iterator[Event]:
        """Recorded events in their newest schema, filtered as `Journal.read` does it, in constant memory."""
        return map(self.current, self.journal.read(**filters))

    def event(self, seq: int) -> Event:
        """One event in its newest schema. Raises UnknownSeq, Corrupt."""
        return self.current(self.journal.get(seq=seq))

    def at(self, seq: int) -> PastLedger:
        """The ledger as it was behind event `seq`: folded anew, from the newest valid snapshot before it.

        Takes as long as replaying what lies between. Raises UnknownSeq, Corrupt, OSError.
        """
        return PastLedger.of(self.journal, path=self._path, env=self._env, seq=seq)

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

    def _query(self, read: Callable[[], T]) -> T:
        return self.journal.query(read)

    def _events_of(self, stream: str, *, seq: int | None) -> Iterator[Event]:
        """All events of a stream in their order; the reading ends with the last of them, not with the journal."""
        count = self.journal.stream_version(stream)
        if seq is not None:
            return self.events(stream=stream, after=seq - 1, limit=count)
        newest_first = list(self.events(stream=stream, limit=count, descending=True))
        return iter(newest_first[::-1])
