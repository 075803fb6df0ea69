"""States of runs and scenario executions, and the only table of what may follow what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from console.kernel.errors import WrongState
from ledger import gettext_noop


class RunState(StrEnum):
    """States of a run, computed from its executions (governance.md 1, decisions.md Runs).

    JUDGED: every execution FINISHED, frozen at once. UNFINISHED: all came to an end, at least one without finishing;
    its report is provisional. CANCELLED: every execution was cancelled, so nothing was measured to its end.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    JUDGED = "JUDGED"
    CANCELLED = "CANCELLED"
    UNFINISHED = "UNFINISHED"


class ExecutionState(StrEnum):
    """States of a scenario execution. ABANDONED: its worker lost the lease."""

    QUEUED = "QUEUED"
    LEASED = "LEASED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    ERRORED = "ERRORED"
    CANCELLED = "CANCELLED"
    ABANDONED = "ABANDONED"

    @property
    def is_terminal(self) -> bool:
        """Whether the attempt is over, well or badly."""
        return self in TERMINAL_STATES

    @property
    def may_be_attempted_again(self) -> bool:
        """Whether a new attempt may be asked for: the last one ended without finishing."""
        return self in _ENDED_BADLY


STATE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        RunState.QUEUED.value: gettext_noop("queued"),
        RunState.RUNNING.value: gettext_noop("running"),
        RunState.JUDGED.value: gettext_noop("judged"),
        RunState.CANCELLED.value: gettext_noop("cancelled"),
        RunState.UNFINISHED.value: gettext_noop("unfinished"),
        ExecutionState.LEASED.value: gettext_noop("starting"),
        ExecutionState.FINISHED.value: gettext_noop("finished"),
        ExecutionState.ERRORED.value: gettext_noop("crashed"),
        ExecutionState.ABANDONED.value: gettext_noop("abandoned"),
    }
)
"""The word a sentence uses for a stored state, of runs and executions alike; doors translate it."""

TERMINAL_STATES = frozenset(
    {ExecutionState.FINISHED, ExecutionState.ERRORED, ExecutionState.CANCELLED, ExecutionState.ABANDONED}
)
_ENDED_BADLY = TERMINAL_STATES - {ExecutionState.FINISHED}

EXECUTION_TRANSITIONS: Mapping[ExecutionState, frozenset[ExecutionState]] = MappingProxyType(
    {
        # ABANDONED: the command that would have come to it died. CANCELLED: nothing had begun.
        ExecutionState.QUEUED: frozenset({ExecutionState.LEASED, ExecutionState.CANCELLED, ExecutionState.ABANDONED}),
        # QUEUED: the machine stayed busy, the execution goes back into the queue.
        ExecutionState.LEASED: _ENDED_BADLY | {ExecutionState.RUNNING, ExecutionState.QUEUED},
        ExecutionState.RUNNING: TERMINAL_STATES,
        ExecutionState.FINISHED: frozenset(),
        ExecutionState.ERRORED: frozenset({ExecutionState.QUEUED}),
        ExecutionState.CANCELLED: frozenset({ExecutionState.QUEUED}),
        ExecutionState.ABANDONED: frozenset({ExecutionState.QUEUED}),
    }
)

RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = MappingProxyType(
    {
        RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.UNFINISHED}),
        RunState.RUNNING: frozenset({RunState.QUEUED, RunState.JUDGED, RunState.CANCELLED, RunState.UNFINISHED}),
        RunState.JUDGED: frozenset(),
        RunState.CANCELLED: frozenset(),
        RunState.UNFINISHED: frozenset({RunState.QUEUED, RunState.RUNNING}),
    }
)


class WrongTransition(WrongState):
    """A run or a scenario execution cannot go from the one state to the other."""

    code = "wrong-transition"
    message = gettext_noop("What is %(before)s cannot become %(after)s.")


def require_transition(*, before: RunState | ExecutionState, after: RunState | ExecutionState) -> None:
    """Refuse a change of state the tables do not know.

    Raises WrongTransition for a change that is not allowed, TypeError when a run's state is compared
    with an execution's.
    """
    if isinstance(before, RunState) and isinstance(after, RunState):
        is_allowed = after in RUN_TRANSITIONS[before]
    elif isinstance(before, ExecutionState) and isinstance(after, ExecutionState):
        is_allowed = after in EXECUTION_TRANSITIONS[before]
    else:
        raise TypeError(f"{before!r} and {after!r} are states of different things")
    if not is_allowed:
        raise WrongTransition(before=str(before), after=str(after))


def run_state_of(executions: Sequence[ExecutionState]) -> RunState:
    """The state of a run by the states of its executions. Raises ValueError for a run without executions."""
    if not executions:
        raise ValueError("a run has at least one scenario execution")
    states = set(executions)
    if states <= TERMINAL_STATES:
        return _ended_state_of(states)
    return RunState.QUEUED if states == {ExecutionState.QUEUED} else RunState.RUNNING


def _ended_state_of(states: set[ExecutionState]) -> RunState:
    if states == {ExecutionState.FINISHED}:
        return RunState.JUDGED
    return RunState.CANCELLED if states == {ExecutionState.CANCELLED} else RunState.UNFINISHED
