"""The states of a request as tables: what each means, what may follow, what expires by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from console.release_states import (
    EFFECTS,
    MEANING_LABELS,
    MEANING_OF_WORD,
    MEANINGS,
    SEAT_LABELS,
    TRANSITIONS,
    ConditionKind,
    ConditionStanding,
    Meaning,
    Outcome,
    RequestState,
    Seat,
    Word,
    effect_of,
    reason_needed,
    state_at,
    words_allowed,
    words_left_by,
)
from testruns.recommendation import Recommendation

# state, before-use condition open | opens what follows, capabilities, gate, exit code, VSA
EFFECT_TABLE = """
None        no   | no  no  409 3 -
OPEN        no   | no  no  409 5 -
GO          no   | yes yes 200 0 PASSED
CONDITIONAL no   | yes yes 200 6 -
CONDITIONAL yes  | no  no  409 6 -
NO_GO       no   | no  no  409 1 -
EXPIRED     no   | no  no  409 3 -
WITHDRAWN   no   | no  no  409 3 -
LAPSED      no   | no  no  409 1 -
LAPSED      yes  | no  no  409 1 -
REVOKED     no   | no  no  409 1 -
REVOKED     yes  | no  no  409 1 -
SUPERSEDED  no   | no  no  409 1 -
SUPERSEDED  yes  | no  no  409 1 -
"""
EFFECT_ROWS = [line.replace("|", " ").split() for line in EFFECT_TABLE.strip().splitlines()]

# before | what may follow
TRANSITION_TABLE = """
OPEN        | GO CONDITIONAL NO_GO EXPIRED WITHDRAWN
GO          | LAPSED REVOKED SUPERSEDED
CONDITIONAL | GO LAPSED REVOKED SUPERSEDED
NO_GO       |
EXPIRED     |
WITHDRAWN   |
LAPSED      |
REVOKED     |
SUPERSEDED  |
"""

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


@pytest.mark.parametrize("row", EFFECT_ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_state_means_exactly_what_the_table_says(row: list[str]) -> None:
    """Capability, gate address, exit code and VSA follow from one table, for every consumer."""
    state = None if row[0] == "None" else RequestState(row[0])

    effect = effect_of(state, has_open_before_use=row[1] == "yes")

    said = ["yes" if flag else "no" for flag in (effect.opens_successor, effect.may_switch_on)]
    assert [*said, str(effect.gate_status), str(effect.exit_code), effect.vsa or "-"] == row[2:]


def test_the_table_of_effects_speaks_of_every_state() -> None:
    """A state without a meaning would be a gap; every badge differs, so that no two states look the same."""
    assert {state for state, _ in EFFECTS} == {None, *RequestState}
    assert len(EFFECTS) == len(EFFECT_ROWS)
    assert len({(effect.badge, effect.label) for effect in EFFECTS.values()}) == len(RequestState) + 2


def test_only_go_yields_a_passed_verification_summary() -> None:
    """A consumer that knows nothing but VSA stays closed on CONDITIONAL."""
    assert [state for (state, _), effect in EFFECTS.items() if effect.vsa] == [RequestState.GO]


@pytest.mark.parametrize("line", TRANSITION_TABLE.strip().splitlines(), ids=lambda line: line.split()[0])
def test_a_state_is_followed_by_what_the_table_says(line: str) -> None:
    """Whatever ended stays ended."""
    before, _, after = line.partition("|")

    assert TRANSITIONS[RequestState(before.strip())] == {RequestState(word) for word in after.split()}


@pytest.mark.parametrize(
    ("deadline", "expected"), [(LATER, "OPEN"), (NOW, "EXPIRED"), (EARLIER, "EXPIRED")], ids=["before", "at", "after"]
)
def test_an_open_request_expires_at_its_deadline(deadline: datetime, expected: str) -> None:
    """Computed on read: nobody needs to have written it."""
    state = state_at(RequestState.OPEN, deadline_at=deadline, valid_until=None, conditions=(), now=NOW)

    assert state == expected


@pytest.mark.parametrize("stored", ["GO", "CONDITIONAL"])
@pytest.mark.parametrize(
    ("until", "lapsed"),
    [(LATER, False), (NOW, True), (EARLIER, True), (None, True)],
    ids=["before", "at", "after", "-"],
)
def test_a_release_lapses_when_its_validity_is_over(stored: str, until: datetime | None, lapsed: bool) -> None:
    """A release without an end cannot be: it counts as lapsed."""
    state = state_at(RequestState(stored), deadline_at=EARLIER, valid_until=until, conditions=(), now=NOW)

    assert state == ("LAPSED" if lapsed else stored)


@pytest.mark.parametrize("kind", list(ConditionKind))
@pytest.mark.parametrize(
    ("due", "is_closed", "expected"),
    [
        (date(2026, 3, 1), False, "CONDITIONAL"),
        (date(2026, 2, 28), False, "LAPSED"),
        (date(2026, 2, 28), True, "CONDITIONAL"),
        (date(2026, 3, 2), False, "CONDITIONAL"),
    ],
    ids=["due-today", "overdue", "closed", "due-tomorrow"],
)
def test_an_overdue_condition_lapses_the_release(
    kind: ConditionKind, due: date, is_closed: bool, expected: str
) -> None:
    """The due day itself still counts, whatever zone the reader is in: it ends at midnight UTC."""
    conditions = (
        ConditionStanding(kind=kind, due_date=date(2026, 12, 1), is_closed=True),
        ConditionStanding(kind=kind, due_date=due, is_closed=is_closed),
    )

    state = state_at(RequestState.CONDITIONAL, deadline_at=EARLIER, valid_until=LATER, conditions=conditions, now=NOW)

    assert state == expected


@pytest.mark.parametrize("stored", ["NO_GO", "EXPIRED", "WITHDRAWN", "LAPSED", "REVOKED", "SUPERSEDED"])
def test_what_is_over_never_changes_with_time(stored: str) -> None:
    """Neither deadline nor validity nor conditions touch it."""
    overdue = (ConditionStanding(kind=ConditionKind.AFTER_USE, due_date=date(2020, 1, 1), is_closed=False),)

    state = state_at(RequestState(stored), deadline_at=EARLIER, valid_until=EARLIER, conditions=overdue, now=NOW)

    assert state == stored


@pytest.mark.parametrize(
    ("recommendation", "words"),
    [("GO", "GO CONDITIONAL NO_GO"), ("CONDITIONAL", "CONDITIONAL NO_GO"), ("NO_GO", "NO_GO"), ("INCOMPLETE", "NO_GO")],
)
def test_against_the_recommendation_only_downwards(recommendation: str, words: str) -> None:
    """The supervisor says the same or less, never more."""
    assert words_allowed(Recommendation(recommendation)) == {Word(word) for word in words.split()}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("APPROVE", "GO CONDITIONAL NO_GO"),
        ("CONDITIONAL", "CONDITIONAL NO_GO"),
        ("REQUEST_CHANGES", "NO_GO"),
        ("REJECT", "NO_GO"),
    ],
)
def test_a_review_leaves_only_what_it_supports(outcome: str, words: str) -> None:
    """A supervisor does not release what the reviewer rejected."""
    assert words_left_by(Outcome(outcome)) == {Word(word) for word in words.split()}


def test_reasons_are_asked_for_with_everything_but_a_plain_approval() -> None:
    """decisions.md: none for GO."""
    assert [word for word in Word if reason_needed(word)] == [Word.CONDITIONAL, Word.NO_GO]


def test_seats_are_signed_in_one_order() -> None:
    """Engineer, tester, reviewer, supervisor."""
    assert [seat.earlier for seat in Seat] == [tuple(Seat)[:n] for n in range(4)]


def test_every_seat_has_meanings_to_choose_from() -> None:
    """A meaning is chosen, so there are at least two; the supervisor's goes with the word."""
    assert set(MEANINGS) == set(Seat)
    assert min(len(choices) for choices in MEANINGS.values()) >= 2
    assert set(MEANING_OF_WORD.values()) == set(MEANINGS[Seat.SUPERVISOR])
    assert set(MEANING_OF_WORD) == set(Word)


def test_everything_a_person_reads_has_words() -> None:
    """Screens never show a bare code."""
    assert set(MEANING_LABELS) == set(Meaning)
    assert set(SEAT_LABELS) == set(Seat)
