"""How a phase stands: the state of its requests now, its conditions, and what its release means."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Final

from django.db.models import Q

from console.models import Condition, Decision, Phase, ReleaseRequest
from console.release_states import ConditionKind, ConditionStanding, Effect, RequestState, effect_of, state_at
from ledger import gettext_noop
from testruns.models import Build

IN_USE: Final = gettext_noop("In use; no release on record.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A phase at one instant. `request` and `decision`: what says so, None when nobody ever asked or decided.

    `state` is None without a request. A phase that was in use before there were releases is `is_active`: it opens what
    comes after it without one.
    """

    phase: Phase
    request: ReleaseRequest | None
    decision: Decision | None
    state: RequestState | None
    effect: Effect
    valid_until: datetime | None
    open_conditions: tuple[Condition, ...]

    @property
    def is_active(self) -> bool:
        """Whether the phase is in use without a release on record."""
        return self.phase.state == Phase.State.ACTIVE

    @property
    def opens(self) -> bool:
        """Whether what comes after it may be released."""
        return self.is_active or self.effect.opens_successor

    @property
    def word(self) -> str:
        """The state as one stored word: for manifests."""
        return "ACTIVE" if self.is_active else self.state.value if self.state else ""

    @property
    def label(self) -> str:
        """What the state means, in English, marked for translation."""
        return IN_USE if self.is_active else self.effect.label


def last_decision_of(request: ReleaseRequest) -> Decision | None:
    """The decision that counts: the second one where there are two."""
    return max(request.decisions.all(), key=lambda decision: decision.number, default=None)


def conditions_of(request: ReleaseRequest) -> tuple[Condition, ...]:
    """The conditions of the request's decisions in their order."""
    conditions = Condition.objects.filter(decision__request=request)
    return tuple(conditions.select_related("owner", "confirmation", "decision").order_by("decision__number", "number"))


def is_closed(condition: Condition) -> bool:
    """Whether its owner closed it and a supervisor confirmed that."""
    return hasattr(condition, "confirmation")


def end_of(day: date) -> datetime:
    """The instant at which a day is over, in UTC: what is due on it is late from then on."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)


def standing_of(condition: Condition) -> ConditionStanding:
    """What of a condition decides about its release."""
    return ConditionStanding(
        kind=ConditionKind(condition.kind), due_date=condition.due_date, is_closed=is_closed(condition)
    )


def state_of(request: ReleaseRequest, *, now: datetime) -> RequestState:
    """The state of a request now: expiry and lapse are computed here, whether written or not."""
    stored = RequestState(request.state)
    decision = last_decision_of(request) if stored.is_release else None
    return state_at(
        stored,
        deadline_at=request.deadline_at,
        valid_until=decision.valid_until if decision else None,
        conditions=[standing_of(one) for one in conditions_of(request)] if stored is RequestState.CONDITIONAL else (),
        now=now,
    )


def has_open_before_use(conditions: Iterable[Condition]) -> bool:
    """Whether a condition that must be met before use is open."""
    return any(one.kind == ConditionKind.BEFORE_USE.value and not is_closed(one) for one in conditions)


def standing(phase_code: str, *, now: datetime) -> Standing:
    """How the phase stands: by its standing release, else by its newest request. Raises `Phase.DoesNotExist`."""
    return standing_of_phase(Phase.objects.get(code=phase_code), now=now)


_OVER = (RequestState.WITHDRAWN.value, RequestState.EXPIRED.value)
"""Of requests that ended so only the newest can say how a phase stands: there may be many."""


def standing_of_phase(phase: Phase, *, now: datetime, builds: Collection[Build] | None = None) -> Standing:
    """As `standing`, for a phase at hand; with `builds` how these stand in it, whatever else is released."""
    rows = ReleaseRequest.objects.filter(phase=phase)
    if builds is not None:
        rows = rows.filter(build__in=builds)
    newest = rows.order_by("-pk").values("pk")[:1]
    telling = rows.filter(~Q(state__in=_OVER) | Q(pk__in=newest)).select_related("build", "policy").defer("manifest")
    requests = list(telling.prefetch_related("decisions").order_by("-pk"))
    for row in requests:
        row.phase = phase
    states = [(request, state_of(request, now=now)) for request in requests]
    request, state = _telling(states)
    if request is None or state is None:
        return Standing(
            phase=phase,
            request=None,
            decision=None,
            state=None,
            effect=effect_of(None),
            valid_until=None,
            open_conditions=(),
        )
    decision = last_decision_of(request)
    conditions = tuple(one for one in conditions_of(request) if not is_closed(one)) if decision is not None else ()
    return Standing(
        phase=phase,
        request=request,
        decision=decision,
        state=state,
        effect=effect_of(state, has_open_before_use=has_open_before_use(conditions)),
        valid_until=decision.valid_until if decision else None,
        open_conditions=conditions,
    )


def _telling(
    states: list[tuple[ReleaseRequest, RequestState]],
) -> tuple[ReleaseRequest, RequestState] | tuple[None, None]:
    """What says how a phase stands, newest first: a standing release, an open request, a decision, any request."""
    undecided = (RequestState.OPEN, RequestState.EXPIRED, RequestState.WITHDRAWN)
    released = (one for one in states if one[1].is_release)
    waiting = (one for one in states if one[1] is RequestState.OPEN)
    decided = (one for one in states if one[1] not in undecided)
    return next(chain(released, waiting, decided, states), (None, None))
