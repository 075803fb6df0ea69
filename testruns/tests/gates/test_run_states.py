"""States: every allowed change and every refused one, and a run's state by its executions."""

from __future__ import annotations

import itertools

import pytest

from console.kernel.errors import WrongState
from testruns.run_states import (
    EXECUTION_TRANSITIONS,
    RUN_TRANSITIONS,
    ExecutionState,
    RunState,
    WrongTransition,
    require_transition,
    run_state_of,
)

E = ExecutionState
R = RunState

ALLOWED = [
    (E.QUEUED, E.LEASED),
    (E.QUEUED, E.CANCELLED),
    (E.QUEUED, E.ABANDONED),
    (E.LEASED, E.QUEUED),
    (E.LEASED, E.RUNNING),
    (E.LEASED, E.ERRORED),
    (E.LEASED, E.CANCELLED),
    (E.LEASED, E.ABANDONED),
    (E.RUNNING, E.FINISHED),
    (E.RUNNING, E.ERRORED),
    (E.RUNNING, E.CANCELLED),
    (E.RUNNING, E.ABANDONED),
    (E.ERRORED, E.QUEUED),
    (E.CANCELLED, E.QUEUED),
    (E.ABANDONED, E.QUEUED),
    (R.QUEUED, R.RUNNING),
    (R.QUEUED, R.CANCELLED),
    (R.QUEUED, R.UNFINISHED),
    (R.RUNNING, R.QUEUED),
    (R.RUNNING, R.JUDGED),
    (R.RUNNING, R.CANCELLED),
    (R.RUNNING, R.UNFINISHED),
    (R.UNFINISHED, R.QUEUED),
    (R.UNFINISHED, R.RUNNING),
]
PAIRS = [*itertools.product(E, E), *itertools.product(R, R)]
REFUSED = [pair for pair in PAIRS if not any(pair == known and type(pair[0]) is type(known[0]) for known in ALLOWED)]


@pytest.mark.parametrize(("before", "after"), ALLOWED)
def test_allowed_changes_of_state_pass(before: E | R, after: E | R) -> None:
    """Everything the queue, a cancel, a lost lease and a further attempt need."""
    require_transition(before=before, after=after)


@pytest.mark.parametrize(("before", "after"), REFUSED)
def test_every_other_change_of_state_is_refused(before: E | R, after: E | R) -> None:
    """A finished execution stays finished, a judged run stays judged, nothing skips its lease."""
    with pytest.raises(WrongTransition, match=f"What is {before} cannot become {after}"):
        require_transition(before=before, after=after)


@pytest.mark.parametrize(("before", "after"), [(E.QUEUED, R.RUNNING), (R.QUEUED, E.RUNNING)])
def test_states_of_different_things_are_never_compared(before: E | R, after: E | R) -> None:
    """QUEUED of a run and QUEUED of an execution look alike as text; mixing them up is a mistake of the caller."""
    with pytest.raises(TypeError, match="different things"):
        require_transition(before=before, after=after)


def test_a_refused_change_is_a_wrong_state_with_its_own_code() -> None:
    """Doors treat it as a state, not as a missing permission."""
    assert issubclass(WrongTransition, WrongState)
    assert WrongTransition.code == "wrong-transition"


def test_the_tables_know_every_state() -> None:
    """No state without a line."""
    assert set(EXECUTION_TRANSITIONS) == set(E)
    assert set(RUN_TRANSITIONS) == set(R)


def test_four_states_end_an_attempt_and_three_of_them_may_be_tried_again() -> None:
    """Finished is finished; the others are attempted again, visibly."""
    assert {state for state in E if state.is_terminal} == {E.FINISHED, E.ERRORED, E.CANCELLED, E.ABANDONED}
    assert {state for state in E if state.may_be_attempted_again} == {E.ERRORED, E.CANCELLED, E.ABANDONED}


@pytest.mark.parametrize(
    ("executions", "state"),
    [
        ([E.QUEUED], R.QUEUED),
        ([E.QUEUED, E.QUEUED], R.QUEUED),
        ([E.LEASED, E.QUEUED], R.RUNNING),
        ([E.RUNNING], R.RUNNING),
        ([E.FINISHED, E.QUEUED], R.RUNNING),
        ([E.FINISHED, E.RUNNING, E.ERRORED], R.RUNNING),
        ([E.CANCELLED, E.QUEUED], R.RUNNING),
        ([E.FINISHED], R.JUDGED),
        ([E.FINISHED, E.FINISHED], R.JUDGED),
        ([E.CANCELLED], R.CANCELLED),
        ([E.CANCELLED, E.CANCELLED], R.CANCELLED),
        ([E.CANCELLED, E.FINISHED], R.UNFINISHED),
        ([E.CANCELLED, E.ABANDONED], R.UNFINISHED),
        ([E.ERRORED], R.UNFINISHED),
        ([E.ABANDONED, E.FINISHED], R.UNFINISHED),
    ],
)
def test_a_run_is_what_its_executions_are(executions: list[E], state: R) -> None:
    """Judged only when every execution finished; cancelled only when every one was."""
    assert run_state_of(executions) is state


def test_a_run_without_executions_has_no_state() -> None:
    """Nothing to run is a mistake, not a success."""
    with pytest.raises(ValueError, match="at least one"):
        run_state_of([])
