"""How a phase stands: the state of its requests now, its conditions, and what its release means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, groupby
from typing import Any, Final

from django.db.models import Max, Q, QuerySet

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
    return conditions_of_each([request]).get(request.pk, ())


def conditions_of_each(requests: Collection[ReleaseRequest]) -> dict[int, tuple[Condition, ...]]:
    """As `conditions_of` for several, by their numbers, in one query; those without any are left out."""
    if not requests:
        return {}
    rows = Condition.objects.filter(decision__request__in=requests).select_related("owner", "confirmation", "decision")
    in_order = rows.defer("decision__content").order_by("decision__request_id", "decision__number", "number")
    return {number: tuple(found) for number, found in groupby(in_order, key=lambda one: one.decision.request_id)}


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


def state_of(
    request: ReleaseRequest, *, now: datetime, conditions: Collection[Condition] | None = None
) -> RequestState:
    """The state of a request now: expiry and lapse are computed here, whether written or not.

    conditions: of the request, where they are at hand.
    """
    stored = RequestState(request.state)
    decision = last_decision_of(request) if stored.is_release else None
    if stored is not RequestState.CONDITIONAL:
        conditions = ()
    elif conditions is None:
        conditions = conditions_of(request)
    return state_at(
        stored,
        deadline_at=request.deadline_at,
        valid_until=decision.valid_until if decision else None,
        conditions=[standing_of(one) for one in conditions],
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
    return standings_of([phase], now=now, builds=builds)[phase.pk]


def standings_of(
    phases: Collection[Phase], *, now: datetime, builds: Collection[Build] | None = None
) -> dict[int, Standing]:
    """As `standing_of_phase` for several, by their numbers: what they stand on is read for all of them at once."""
    rows = ReleaseRequest.objects.filter(phase__in=phases)
    if builds is not None:
        rows = rows.filter(build__in=builds)
    return standings_by(telling_requests(rows, phases=phases), phases=phases, now=now)


def telling_requests(
    rows: QuerySet[ReleaseRequest], *, phases: Collection[Phase], also: Collection[Build] = ()
) -> tuple[ReleaseRequest, ...]:
    """Of these requests of these phases, the newest first, those that may say how a phase stands.

    also: builds of which the same is asked for each alone.
    """
    may_tell = ~Q(state__in=_OVER) | Q(pk__in=_newest_of_each_phase(rows))
    if also:
        may_tell |= Q(pk__in=_newest_of_each_phase(rows.filter(build__in=also)))
    telling = rows.filter(may_tell).select_related("build", "policy").defer("manifest")
    found = tuple(telling.prefetch_related("decisions").order_by("-pk"))
    by_number = {phase.pk: phase for phase in phases}
    for row in found:
        row.phase = by_number[row.phase_id]
    return found


def _newest_of_each_phase(rows: QuerySet[ReleaseRequest]) -> QuerySet[ReleaseRequest, Any]:
    return rows.order_by().values("phase").annotate(newest=Max("pk")).values("newest")


def standings_by(
    requests: Iterable[ReleaseRequest],
    *,
    phases: Collection[Phase],
    now: datetime,
    read_conditions: Callable[[Collection[ReleaseRequest]], Mapping[int, tuple[Condition, ...]]] = conditions_of_each,
) -> dict[int, Standing]:
    """How these phases stand by these requests, the newest first; by the numbers of the phases."""
    found = tuple(requests)
    conditional = read_conditions([row for row in found if row.state == RequestState.CONDITIONAL.value])
    states: dict[int, list[tuple[ReleaseRequest, RequestState]]] = {phase.pk: [] for phase in phases}
    for row in found:
        states[row.phase_id].append((row, state_of(row, now=now, conditions=conditional.get(row.pk, ()))))
    told = {number: _telling(in_order) for number, in_order in states.items()}
    telling = [request for request, _state in told.values() if request is not None]
    conditions = read_conditions([one for one in telling if any(two.has_conditions for two in one.decisions.all())])
    return {phase.pk: _standing(phase, *told[phase.pk], conditions=conditions) for phase in phases}


def _standing(
    phase: Phase,
    request: ReleaseRequest | None,
    state: RequestState | None,
    *,
    conditions: Mapping[int, Collection[Condition]],
) -> Standing:
    """conditions: of each request that was decided, by its number."""
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
    still_open = tuple(one for one in conditions.get(request.pk, ()) if not is_closed(one))
    return Standing(
        phase=phase,
        request=request,
        decision=decision,
        state=state,
        effect=effect_of(state, has_open_before_use=has_open_before_use(still_open)),
        valid_until=decision.valid_until if decision else None,
        open_conditions=still_open,
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
