"""Asks the ledger, measures the answer and keeps what was promised."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from ledger import BreakerChange, DurabilityUnknown, KarmaClient, LedgerError, commands
from testruns.load import Histogram
from testruns.scenarios.stage.operations import Acknowledgement, AcknowledgementList, Operation, Outcome

if TYPE_CHECKING:
    from ledger import Answer, Ledger

INSUFFICIENT: Final = "insufficient-credits"
PROBLEMS_SHOWN: Final = 5


class SetupFailed(RuntimeError):
    """The ledger refused or failed what a scenario needs before it can begin."""


class Teller(Protocol):
    """Whose name the operations carry, and who tells the parent what came of them."""

    name: str
    actor: str
    karma_url: str | None

    def tell(self, **message: Any) -> None:
        """Send one message to the parent."""

    def complain(self, text: str, failure: BaseException) -> None:
        """Say that something failed that stops nothing."""


class Caller:
    """Puts operations to one ledger for all threads of a process.

    A refusal whose code is in `right_refusals` is a right answer. Everything else that is no answer counts as an
    error: it is kept with its code, shown on stderr a few times, and never stops the load.
    """

    def __init__(
        self, *, host: Teller, ledger: Ledger, acknowledgements: AcknowledgementList, right_refusals: frozenset[str]
    ) -> None:
        """Answers are told to `host` as counts, and to `acknowledgements` one by one."""
        self._host = host
        self._ledger = ledger
        self._acknowledgements = acknowledgements
        self._right_refusals = right_refusals
        self._lock = threading.Lock()
        self._latencies = Histogram()
        self._counts: Counter[str] = Counter()
        self._karma = KarmaClient(host.karma_url, on_change=self._record_breaker) if host.karma_url else None
        self._breaker_count = 0
        self.repeated_count = 0
        self.crash_count = 0

    @property
    def is_breaker_open(self) -> bool:
        """Whether KARMA is asked no more for the time being."""
        return self._karma is not None and self._karma.is_open

    def set_up(self, operations: Iterable[Operation]) -> None:
        """Put operations that belong to no load and are not counted. Raises SetupFailed when one is not done."""
        for operation in operations:
            answer, outcome, code = self._execute(operation)
            self._keep(operation, outcome, answer, code)
            if answer is None:
                raise SetupFailed(f"{operation.key}: {code}")

    def ask(self, operation: Operation, *, intended_ns: int | None = None) -> Answer | None:
        """Execute the operation; None when it was refused or failed.

        Latency counts from `intended_ns`, else from now.
        """
        started_ns = time.monotonic_ns() if intended_ns is None else intended_ns
        answer, outcome, code = self._execute(operation)
        ended_ns = time.monotonic_ns()
        self._keep(operation, outcome, answer, code)
        self._count(outcome, answer, code, (ended_ns - started_ns) // 1000)
        return answer

    def look(self, question: Callable[[], object], *, intended_ns: int) -> None:
        """Ask the ledger something that changes nothing; an exception counts as an error."""
        outcome, code = Outcome.DONE, ""
        try:
            question()
        except Exception as failure:  # noqa: BLE001 - a crash of the ledger is what scenarios are there to count
            outcome, code = Outcome.UNKNOWN, type(failure).__name__
            self._note_crash(code, failure)
        self._count(outcome, None, code, (time.monotonic_ns() - intended_ns) // 1000)

    def asking(self, operations: Iterable[Operation]) -> Callable[[], None]:
        """A worker that asks these one after the other."""

        def work() -> None:
            for operation in operations:
                self.ask(operation)

        return work

    def flush(self) -> None:
        """Send counts and latencies since the last flush to the parent, when there are any."""
        with self._lock:
            if not self._counts:
                return
            counts, latencies, max_us = dict(self._counts), self._latencies.sparse(), self._latencies.max_us
            self._counts.clear()
            self._latencies.clear()
        self._host.tell(type="counts", **counts, latencies=latencies, max_us=max_us)

    def _execute(self, operation: Operation) -> tuple[Answer | None, Outcome, str]:
        try:
            answer = self._ledger.execute(
                self._with_karma(operation.make()),
                key=operation.key,
                actor=self._host.actor,
                correlation=operation.correlation,
            )
        except DurabilityUnknown as failure:
            return None, Outcome.UNKNOWN, failure.code
        except LedgerError as refusal:
            return None, Outcome.REFUSED, refusal.code
        except Exception as failure:  # noqa: BLE001 - a crash of the ledger is what scenarios are there to count
            self._note_crash(operation.key, failure)
            return None, Outcome.UNKNOWN, type(failure).__name__
        return answer, Outcome.DONE, ""

    def _with_karma(self, command: Any) -> Any:
        """The command with what KARMA says now: asked before the command, never under the ledger's lock."""
        if self._karma is None or not isinstance(command, commands.Consume):
            return command
        return replace(command, karma=self._karma.read(command.agent))

    def _record_breaker(self, change: BreakerChange) -> None:
        with self._lock:
            self._breaker_count += 1
            key = f"breaker:{self._host.name}:{self._breaker_count}"
        command = commands.RecordBreaker(is_open=change.is_open, endpoint=change.endpoint, reason=change.reason)
        self._ledger.execute(command, key=key, actor=self._host.actor, correlation=key)

    def _keep(self, operation: Operation, outcome: Outcome, answer: Answer | None, code: str) -> None:
        self._acknowledgements.append(
            Acknowledgement(
                key=operation.key,
                correlation=operation.correlation,
                owed=operation.owed,
                outcome=outcome,
                seq=first_seq(answer),
                is_repeated=answer is not None and answer.is_repeated,
                is_marked=answer is not None and answer.anomaly_detected,
                code=code,
            )
        )

    def _count(self, outcome: Outcome, answer: Answer | None, code: str, latency_us: int) -> None:
        is_right = outcome is Outcome.DONE or (outcome is Outcome.REFUSED and code in self._right_refusals)
        with self._lock:
            self._latencies.add(latency_us)
            self._counts["operations"] += 1
            self._counts["refused"] += outcome is Outcome.REFUSED and is_right
            self._counts["errors"] += not is_right
            if answer is not None and answer.is_repeated:
                self.repeated_count += 1

    def _note_crash(self, what: str, failure: Exception) -> None:
        with self._lock:
            self.crash_count += 1
            is_shown = self.crash_count <= PROBLEMS_SHOWN
        if is_shown:
            self._host.complain(f"{what}: {failure!r}", failure)


def first_seq(answer: Any) -> int:
    """The seq of the first event of an answer, 0 without one."""
    return answer.events[0].seq if answer is not None and answer.events else 0
