"""States of a release request, the words people decide by, and the one table of what each state means.

Expiry and lapse are computed when a state is read and written with the next write; they never wait for a timer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ledger import gettext_noop
from testruns.recommendation import Recommendation


class RequestState(StrEnum):
    """States of a release request. There is no draft: a request is previewed on a page and opened in one act."""

    OPEN = "OPEN"
    GO = "GO"
    CONDITIONAL = "CONDITIONAL"
    NO_GO = "NO_GO"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"

    @property
    def is_release(self) -> bool:
        """Whether a release stands: GO, or CONDITIONAL (which may still open nothing, see `effect_of`)."""
        return self in (RequestState.GO, RequestState.CONDITIONAL)


class Word(StrEnum):
    """A person's decision. The machine's recommendation has words of its own type."""

    GO = "GO"
    CONDITIONAL = "CONDITIONAL"
    NO_GO = "NO_GO"


class Seat(StrEnum):
    """The four seats of a release, in the order in which they are signed."""

    ENGINEER = "ENGINEER"
    TESTER = "TESTER"
    REVIEWER = "REVIEWER"
    SUPERVISOR = "SUPERVISOR"

    @property
    def earlier(self) -> tuple[Seat, ...]:
        """The seats that are signed before this one."""
        seats = tuple(Seat)
        return seats[: seats.index(self)]


class Meaning(StrEnum):
    """What a person means by a signature; chosen each time, never preselected."""

    AUTHORSHIP = "authorship"
    RESPONSIBILITY = "responsibility"
    EXECUTION = "execution"
    REVIEW = "review"
    APPROVAL = "approval"
    CONDITIONAL_APPROVAL = "conditional-approval"
    REJECTION = "rejection"


class ConditionKind(StrEnum):
    """Whether a condition is met before the release opens anything, or while it is in use."""

    BEFORE_USE = "BEFORE_USE"
    AFTER_USE = "AFTER_USE"


class ClosingRule(StrEnum):
    """What closes a condition: a piece of evidence, or a full run of the build that recommends GO."""

    EVIDENCE = "EVIDENCE"
    GO_RUN = "GO_RUN"


class Outcome(StrEnum):
    """The outcome of a review."""

    APPROVE = "APPROVE"
    CONDITIONAL = "CONDITIONAL"
    REQUEST_CHANGES = "REQUEST_CHANGES"
    REJECT = "REJECT"


MEANINGS: Mapping[Seat, tuple[Meaning, ...]] = MappingProxyType(
    {
        Seat.ENGINEER: (Meaning.AUTHORSHIP, Meaning.RESPONSIBILITY),
        Seat.TESTER: (Meaning.EXECUTION, Meaning.RESPONSIBILITY),
        Seat.REVIEWER: (Meaning.REVIEW, Meaning.RESPONSIBILITY),
        Seat.SUPERVISOR: (Meaning.APPROVAL, Meaning.CONDITIONAL_APPROVAL, Meaning.REJECTION),
    }
)

MEANING_OF_WORD: Mapping[Word, Meaning] = MappingProxyType(
    {
        Word.GO: Meaning.APPROVAL,
        Word.CONDITIONAL: Meaning.CONDITIONAL_APPROVAL,
        Word.NO_GO: Meaning.REJECTION,
    }
)

MEANING_LABELS: Mapping[Meaning, str] = MappingProxyType(
    {
        Meaning.AUTHORSHIP: gettext_noop("I made this build and attest that its implementation is complete"),
        Meaning.RESPONSIBILITY: gettext_noop("I did not do it myself and take responsibility for it"),
        Meaning.EXECUTION: gettext_noop("I carried out the runs listed here and attest their execution"),
        Meaning.REVIEW: gettext_noop("I reviewed the evidence and wrote the review bound to it"),
        Meaning.APPROVAL: gettext_noop("I approve the release"),
        Meaning.CONDITIONAL_APPROVAL: gettext_noop("I approve the release under the conditions listed"),
        Meaning.REJECTION: gettext_noop("I refuse the release"),
    }
)

SEAT_LABELS: Mapping[Seat, str] = MappingProxyType(
    {
        Seat.ENGINEER: gettext_noop("test engineer (attests the implementation)"),
        Seat.TESTER: gettext_noop("tester (attests the execution)"),
        Seat.REVIEWER: gettext_noop("reviewer (reviews the evidence)"),
        Seat.SUPERVISOR: gettext_noop("supervisor (decides)"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionStanding:
    """What of a condition decides about its release. `is_closed`: closed by its owner and confirmed."""

    kind: ConditionKind
    due_date: date
    is_closed: bool

    def is_overdue(self, *, now: datetime) -> bool:
        """Whether it is still open after its due date, which ends at midnight UTC."""
        return not self.is_closed and now.astimezone(UTC).date() > self.due_date


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a state means to whoever asks.

    gate_status: HTTP status of the gate address. exit_code: of commands and of the pipeline client (design.md 4).
    vsa: the result of a verification summary, None when none is issued.
    """

    opens_successor: bool
    may_switch_on: bool
    gate_status: int
    exit_code: int
    badge: str
    vsa: str | None
    label: str


def _closed(*, exit_code: int, badge: str, label: str) -> Effect:
    return Effect(
        opens_successor=False,
        may_switch_on=False,
        gate_status=409,
        exit_code=exit_code,
        badge=badge,
        vsa=None,
        label=label,
    )


def _opens(*, exit_code: int, badge: str, label: str, vsa: str | None) -> Effect:
    return Effect(
        opens_successor=True,
        may_switch_on=True,
        gate_status=200,
        exit_code=exit_code,
        badge=badge,
        vsa=vsa,
        label=label,
    )


_NEVER_ASKED: Final = _closed(exit_code=3, badge="no-request", label=gettext_noop("no release was requested"))
_OPEN: Final = _closed(exit_code=5, badge="waiting", label=gettext_noop("waiting for people"))
_GO: Final = _opens(exit_code=0, badge="go", vsa="PASSED", label=gettext_noop("released"))
_CONDITIONAL: Final = _opens(exit_code=6, badge="conditional", vsa=None, label=gettext_noop("released with conditions"))
_BEFORE_USE_OPEN: Final = _closed(
    exit_code=6, badge="conditional-closed", label=gettext_noop("conditions must be met before use")
)
_NO_GO: Final = _closed(exit_code=1, badge="no-go", label=gettext_noop("not released"))
_EXPIRED: Final = _closed(exit_code=3, badge="expired", label=gettext_noop("expired without a decision"))
_WITHDRAWN: Final = _closed(exit_code=3, badge="withdrawn", label=gettext_noop("withdrawn"))
_LAPSED: Final = _closed(exit_code=1, badge="lapsed", label=gettext_noop("release lapsed"))
_REVOKED: Final = _closed(exit_code=1, badge="revoked", label=gettext_noop("release revoked"))
_SUPERSEDED: Final = _closed(exit_code=1, badge="superseded", label=gettext_noop("replaced by a later release"))

EFFECTS: Mapping[tuple[RequestState | None, bool], Effect] = MappingProxyType(
    {
        (None, False): _NEVER_ASKED,
        (RequestState.OPEN, False): _OPEN,
        (RequestState.GO, False): _GO,
        (RequestState.CONDITIONAL, False): _CONDITIONAL,
        (RequestState.CONDITIONAL, True): _BEFORE_USE_OPEN,
        (RequestState.NO_GO, False): _NO_GO,
        (RequestState.EXPIRED, False): _EXPIRED,
        (RequestState.WITHDRAWN, False): _WITHDRAWN,
        (RequestState.LAPSED, False): _LAPSED,
        (RequestState.LAPSED, True): _LAPSED,
        (RequestState.REVOKED, False): _REVOKED,
        (RequestState.REVOKED, True): _REVOKED,
        (RequestState.SUPERSEDED, False): _SUPERSEDED,
        (RequestState.SUPERSEDED, True): _SUPERSEDED,
    }
)
"""By state (None: nobody ever asked) and whether a before-use condition is open. What is not here cannot be."""

TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = MappingProxyType(
    {
        RequestState.OPEN: frozenset(
            {
                RequestState.GO,
                RequestState.CONDITIONAL,
                RequestState.NO_GO,
                RequestState.EXPIRED,
                RequestState.WITHDRAWN,
            }
        ),
        RequestState.GO: frozenset({RequestState.LAPSED, RequestState.REVOKED, RequestState.SUPERSEDED}),
        RequestState.CONDITIONAL: frozenset(
            {RequestState.GO, RequestState.LAPSED, RequestState.REVOKED, RequestState.SUPERSEDED}
        ),
        RequestState.NO_GO: frozenset(),
        RequestState.EXPIRED: frozenset(),
        RequestState.WITHDRAWN: frozenset(),
        RequestState.LAPSED: frozenset(),
        RequestState.REVOKED: frozenset(),
        RequestState.SUPERSEDED: frozenset(),
    }
)

_WORDS_BY_RECOMMENDATION: Mapping[Recommendation, frozenset[Word]] = MappingProxyType(
    {
        Recommendation.GO: frozenset(Word),
        Recommendation.CONDITIONAL: frozenset({Word.CONDITIONAL, Word.NO_GO}),
        Recommendation.NO_GO: frozenset({Word.NO_GO}),
        Recommendation.INCOMPLETE: frozenset({Word.NO_GO}),
    }
)
_WORDS_BY_OUTCOME: Mapping[Outcome, frozenset[Word]] = MappingProxyType(
    {
        Outcome.APPROVE: frozenset(Word),
        Outcome.CONDITIONAL: frozenset({Word.CONDITIONAL, Word.NO_GO}),
        Outcome.REQUEST_CHANGES: frozenset({Word.NO_GO}),
        Outcome.REJECT: frozenset({Word.NO_GO}),
    }
)


def state_at(
    stored: RequestState,
    *,
    deadline_at: datetime,
    valid_until: datetime | None,
    conditions: Iterable[ConditionStanding],
    now: datetime,
) -> RequestState:
    """The state at `now` of a request that was last written as `stored`.

    deadline_at: end of the time for a decision. valid_until: of the release, None without one. An instant that is
    reached is over.
    """
    if stored is RequestState.OPEN:
        return RequestState.EXPIRED if now >= deadline_at else stored
    if not stored.is_release:
        return stored
    is_over = valid_until is None or now >= valid_until
    if is_over or any(condition.is_overdue(now=now) for condition in conditions):
        return RequestState.LAPSED
    return stored


def effect_of(state: RequestState | None, *, has_open_before_use: bool = False) -> Effect:
    """What the state means for capability, gate address, exit code, badge and VSA. See `EFFECTS`."""
    return EFFECTS[(state, has_open_before_use)]


def words_allowed(recommendation: Recommendation) -> frozenset[Word]:
    """What a supervisor may say to this recommendation: the same or less, never more."""
    return _WORDS_BY_RECOMMENDATION[recommendation]


def words_left_by(outcome: Outcome) -> frozenset[Word]:
    """What a supervisor may still say after a review with this outcome."""
    return _WORDS_BY_OUTCOME[outcome]


def reason_needed(word: Word) -> bool:
    """Whether a reason is asked for: with everything but a plain approval."""
    return word is not Word.GO
