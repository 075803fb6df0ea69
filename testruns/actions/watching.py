"""The thin loop beside a child: output, heartbeat, cancel, deadline, lifeline. It decides how the attempt ended."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import OperationalError, close_old_connections

from ledger import gettext_noop
from testruns.run_states import ExecutionState

from .child import Child
from .leases import Lease
from .limits import EXIT_SECONDS, HEARTBEAT_SECONDS, HUNG_SECONDS, POLL_SECONDS, ROW_CHANGE_SECONDS
from .protocol import Conversation
from .sample_points import SamplePoints

logger = logging.getLogger(__name__)

LIFELINE_VARIABLE = "GATEHOUSE_LIFELINE_FD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How an attempt ended. `exit_code` is the child's, None when it never ran.

    `error` with `params` says why it failed, as `testruns.wording.said_error` reads it.
    """

    state: ExecutionState
    error: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


@dataclass(kw_only=True, slots=True)
class Surroundings:
    """What an execution is watched with: the supervisor's lifeline, a terminal's Ctrl-C, a listener for progress."""

    lifeline: int | None = None
    is_interrupted: Callable[[], bool] = lambda: False
    listen: Callable[[Conversation], None] = lambda _conversation: None

    def reason_to_stop(self, lease: Lease) -> Ending | None:
        """Whether somebody wants this execution to stop now."""
        if self.lifeline is not None and _is_closed(self.lifeline):
            return Ending(state=ExecutionState.ABANDONED, error=gettext_noop("the supervisor of the worker is gone"))
        if self.is_interrupted():
            return Ending(state=ExecutionState.CANCELLED, error=gettext_noop("interrupted at the terminal"))
        if lease.is_cancel_requested():
            return Ending(state=ExecutionState.CANCELLED, error=gettext_noop("cancelled by a person"))
        return None


class LeaseLost(Exception):
    """Somebody took the lease away: nothing may be written any more."""


def lifeline_of_environment() -> int | None:
    """The read end of the pipe whose write end only the supervisor holds, or None without a supervisor."""
    number = os.environ.get(LIFELINE_VARIABLE)
    return int(number) if number else None


@dataclass(kw_only=True)
class Watch:
    """Watches one child to its end. Times are monotonic seconds."""

    child: Child
    lease: Lease
    surroundings: Surroundings
    deadline: float
    points: SamplePoints = field(default_factory=SamplePoints)
    _next_row: float = 0.0
    _next_samples: float = 0.0
    _heard_at: float = field(default_factory=time.monotonic)
    _done_at: float | None = None
    _written: tuple[int, str, int] = (0, "", 0)

    def to_the_end(self) -> Ending:
        """Turn until the child is over or has to stop; its group is gone afterwards. LeaseLost passes through."""
        ending = self._turn_until_over()
        exit_code = self.child.close()
        ending = ending or self._broken() or _ending_of(self.child.conversation, exit_code)
        self.points.take(self.child.conversation.samples)
        self.surroundings.listen(self.child.conversation)
        return replace(ending, exit_code=exit_code)

    def _turn_until_over(self) -> Ending | None:
        """None when the child ended by itself: then what it said decides."""
        lifeline = self.surroundings.lifeline
        while not self.child.has_ended():
            self.child.take(timeout_seconds=POLL_SECONDS, also=() if lifeline is None else (lifeline,))
            reason = self._broken() or self._overdue() or self._look_at_row()
            if reason:
                return reason
            self.surroundings.listen(self.child.conversation)
        return None

    def _look_at_row(self) -> Ending | None:
        """Ask whether to stop and write what is new. A database that does not answer is asked again for a minute."""
        try:
            reason = self.surroundings.reason_to_stop(self.lease)
            if reason is None:
                self._write_row()
        except OperationalError:
            logger.exception("the row of execution %s could not be reached", self.lease.execution_id)
            if time.monotonic() > self._heard_at + HUNG_SECONDS:
                raise
            close_old_connections()
            return None
        return reason

    def _broken(self) -> Ending | None:
        violation = self.child.violation
        if violation is None:
            return None
        error = gettext_noop("the child broke the protocol: %(violation)s")
        return Ending(state=ExecutionState.ERRORED, error=error, params={"violation": violation.text})

    def _overdue(self) -> Ending | None:
        now = time.monotonic()
        if now > self.deadline:
            return Ending(state=ExecutionState.ERRORED, error=gettext_noop("the deadline passed"))
        if self.child.conversation.is_done:
            self._done_at = self._done_at or now
            if now > self._done_at + EXIT_SECONDS:
                error = gettext_noop("said done and did not exit within %(seconds)s s")
                return Ending(state=ExecutionState.ERRORED, error=error, params={"seconds": EXIT_SECONDS})
        return None

    def _write_row(self) -> None:
        now = time.monotonic()
        if now < self._next_row:
            return
        changes = self._changes(now)
        if not changes and now < self._heard_at + HEARTBEAT_SECONDS:
            return
        self._next_row = now + ROW_CHANGE_SECONDS
        if not self.lease.renew(is_visible=bool(changes), **changes):
            raise LeaseLost
        self._heard_at = now

    def _changes(self, now: float) -> dict[str, Any]:
        said = self.child.conversation
        seen = (said.progress_ppm, said.progress_text, len(said.samples))
        changes: dict[str, Any] = {}
        if seen[:2] != self._written[:2]:
            changes |= {"progress_ppm": said.progress_ppm, "progress_text": said.progress_text}
        if seen[2] != self._written[2] and now >= self._next_samples:
            self.points.take(said.samples)
            changes["samples"] = self.points.points
            # Every write repeats all points: the more there are, the rarer, so that watching disturbs no load.
            self._next_samples = now + max(2.0, len(self.points.points) / 60)
        else:
            seen = (*seen[:2], self._written[2])
        self._written = seen
        return changes


def _ending_of(said: Conversation, exit_code: int) -> Ending:
    if exit_code < 0:
        error = gettext_noop("the child was killed by signal %(signal)s")
        return Ending(state=ExecutionState.ERRORED, error=error, params={"signal": -exit_code})
    if exit_code != 0:
        error = gettext_noop("the child exited with code %(code)s")
        return Ending(state=ExecutionState.ERRORED, error=error, params={"code": exit_code})
    if not said.is_done:
        return Ending(state=ExecutionState.ERRORED, error=gettext_noop("the child exited without saying done"))
    return Ending(state=ExecutionState.FINISHED)


def _is_closed(lifeline: int) -> bool:
    """Whether the write end is gone. Nobody ever writes, so readable means end of file."""
    ready, _, _ = select.select([lifeline], [], [], 0)
    return bool(ready)
