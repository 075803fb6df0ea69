"""The phases as the board shows them: how each stands, what blocks it, who can clear that; and what has lapsed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from console.checklist import Item, Text
from console.kernel.errors import GatehouseError
from console.kernel.list_pages import ListPage, list_page
from console.models import Condition, Decision, LiveVerification, Phase, ReleaseRequest, SignOff
from console.release_states import Effect, RequestState, Seat, effect_of
from console.releases.checking import items_of_evidence, items_of_request, running_tree_digest
from console.releases.look import Look
from console.releases.standing import (
    Standing,
    conditions_of,
    has_open_before_use,
    last_decision_of,
    standing_of,
    state_of,
)
from ledger import gettext_noop
from testruns.models import Build, Run
from testruns.plan import IMPORT_PROFILE

_RELEASED = (RequestState.GO,)


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardLine:
    """One phase. opened_by, opens, waits_for (of the first what is not released): codes of phases.

    next_seat, next_people: of an open request, which seat is signed next and by whom.
    checklist: empty where it would say nothing: in use, released, or behind a phase that is not released.
    """

    standing: Standing
    opened_by: tuple[str, ...]
    opens: tuple[str, ...]
    waits_for: tuple[str, ...]
    checklist: tuple[Item, ...]
    build: Build | None
    next_seat: Seat | None
    next_people: tuple[str, ...]

    @property
    def phase(self) -> Phase:
        """The phase itself."""
        return self.standing.phase

    @property
    def request(self) -> ReleaseRequest | None:
        """The request that says how it stands."""
        return self.standing.request

    @property
    def state(self) -> RequestState | None:
        """The state of that request."""
        return self.standing.state

    @property
    def effect(self) -> Effect:
        """What the state means."""
        return self.standing.effect

    @property
    def valid_until(self) -> datetime | None:
        """End of the release that stands; None for one that lapsed, was revoked or replaced."""
        is_standing = self.state is not None and self.state.is_release
        return self.standing.valid_until if is_standing else None

    @property
    def open_conditions(self) -> tuple[Condition, ...]:
        """What of its conditions is not closed."""
        return self.standing.open_conditions

    @property
    def next_due(self) -> date | None:
        """When the next open condition is due."""
        return min((one.due_date for one in self.open_conditions), default=None)

    @property
    def green_count(self) -> int:
        """How many checks are green."""
        return sum(item.is_green for item in self.checklist)

    @property
    def blocker(self) -> Item | None:
        """The red item to say first: what comes before it, else the first in the order in which people clear them."""
        red = [item for item in self.checklist if not item.is_green]
        return next((item for item in red if item.code == "predecessor"), red[0] if red else None)

    @property
    def is_behind(self) -> bool:
        """Whether all there is to say is which phase it waits for."""
        return bool(self.waits_for) and not self.checklist

    @property
    def is_stale(self) -> bool:
        """Whether a release stands, and this console runs on another build than the released one."""
        request = self.request
        if request is None or self.state is None or not self.state.is_release:
            return False
        return request.build.tree_digest != running_tree_digest()


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """One request of the past or present with its state now."""

    request: ReleaseRequest
    state: RequestState
    effect: Effect
    decision: Decision | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseView:
    """A phase with the people who signed, and the last verification of the live journal."""

    line: BoardLine
    signed: tuple[SignOff, ...]
    verification: LiveVerification | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lapse:
    """A release that lapsed and that nothing has replaced. why: in words."""

    phase: str
    request: int
    why: Text


def phase_board(*, look: Look) -> tuple[BoardLine, ...]:
    """The phases that wait for a release, in the order of the roadmap.

    The whole checklist is computed only where the phases before are released: behind them it would say no more than
    that it waits for them.
    """
    waiting = [phase for phase in look.phases if phase.state != Phase.State.ACTIVE]
    build = newest_build()
    lines = []
    for phase in waiting:
        closed = [one for one in look.predecessors(phase) if not one.opens]
        lines.append(_line(look.standing(phase), closed=closed, build=build, look=look))
    return tuple(lines)


def phase_view(code: str, *, now: datetime) -> PhaseView:
    """One phase, its checklist complete. Raises `Phase.DoesNotExist`."""
    look = Look(now=now)
    standing = look.standing(Phase.objects.get(code=code))
    line = _line(standing, closed=(), build=newest_build(), look=look)
    signed = tuple(look.sign_offs(standing.request).values()) if standing.request else ()
    return PhaseView(line=line, signed=signed, verification=look.verification)


def history_page(requests: QuerySet[ReleaseRequest], *, asked: Mapping[str, str], now: datetime) -> ListPage:
    """A page of requests as lines with their state now, newest first. asked: the query of an address."""
    page = list_page(requests.order_by("-pk").values_list("pk", flat=True), asked=asked, parameter="requests")
    page.object_list = history_of(list(page), now=now)
    return page


def history_of(requests: Collection[int], *, now: datetime) -> list[HistoryLine]:
    """The requests of these few numbers with their state now, newest first.

    Numbers, because they come from an index: whoever looks at a row itself reads past a manifest of a megabyte.
    """
    rows = ReleaseRequest.objects.filter(pk__in=requests).select_related("phase", "build", "opened_by")
    decisions = Decision.objects.select_related("sign_off").only(*_DECISION_COLUMNS)
    rows = rows.only(*_REQUEST_COLUMNS).prefetch_related(Prefetch("decisions", queryset=decisions)).order_by("-pk")
    return [history_line(row, now=now) for row in rows]


_REQUEST_COLUMNS = (
    "state",
    "opened_at",
    "deadline_at",
    "phase__code",
    "phase__position",
    "build__name",
    "build__commit",
    "build__tree_digest",
    "opened_by__username",
    "opened_by__printed_name",
)
_DECISION_COLUMNS = ("request", "number", "word", "decided_at", "valid_until", "sign_off__printed_name")
"""What a line of the history shows, and how its state is told."""


def newest_build() -> Build | None:
    """The build of the newest run: what would be released next. Results from elsewhere speak of other builds too."""
    ran = Run.objects.exclude(profile=IMPORT_PROFILE).order_by("-pk")
    return Build.objects.filter(pk__in=ran.values("build")[:1]).first()


def lapses(*, now: datetime) -> tuple[Lapse, ...]:
    """Releases that lapsed and that no later decision of their phase replaced.

    One query; two more while a release has conditions.
    """
    decisions = (
        Decision.objects.exclude(request__phase__state=Phase.State.ACTIVE)
        .select_related("request__phase")
        .only("word", "valid_until", "request__state", "request__phase__code")
        .order_by("request_id", "number")
    )
    newest = {decision.request.phase.code: decision for decision in decisions}
    prefetch_related_objects([one for one in newest.values() if one.has_conditions], "conditions__confirmation")
    found = ((code, decision, why_lapsed(decision, now=now)) for code, decision in newest.items())
    return tuple(Lapse(phase=code, request=one.request_id, why=why) for code, one, why in found if why is not None)


def why_lapsed(decision: Decision, *, now: datetime) -> Text | None:
    """Why the release of this decision lapsed; None while it stands, or is over for another reason."""
    if decision.valid_until is None or decision.request.state not in _MAY_LAPSE:
        return None
    for condition in decision.conditions.all() if decision.has_conditions else ():
        if standing_of(condition).is_overdue(now=now):
            params = {"number": condition.number, "text": condition.text, "due": condition.due_date.isoformat()}
            return {"template": _OVERDUE, "params": params}
    if now >= decision.valid_until:
        return {"template": _OVER, "params": {"until": {"moment": decision.valid_until.isoformat()}}}
    return None


_MAY_LAPSE = frozenset({RequestState.GO.value, RequestState.CONDITIONAL.value, RequestState.LAPSED.value})
_OVERDUE = gettext_noop("condition C%(number)s was due on %(due)s and is open: %(text)s")
_OVER = gettext_noop("it was valid until %(until)s")


def _line(standing: Standing, *, closed: Sequence[Standing], build: Build | None, look: Look) -> BoardLine:
    code = standing.phase.code
    next_seat, next_people = _next(standing, look=look)
    return BoardLine(
        standing=standing,
        opened_by=tuple(opener for opener, opened in look.edges if opened == code),
        opens=tuple(opened for opener, opened in look.edges if opener == code),
        waits_for=tuple(one.phase.code for one in closed),
        checklist=_checklist(standing, closed=closed, build=build, look=look),
        next_seat=next_seat,
        next_people=next_people,
        build=standing.request.build if standing.request and standing.state is RequestState.OPEN else build,
    )


def _next(standing: Standing, *, look: Look) -> tuple[Seat | None, tuple[str, ...]]:
    """The first seat of an open request that is not signed, and who can sign it."""
    if standing.request is None or standing.state is not RequestState.OPEN:
        return None, ()
    signed = look.sign_offs(standing.request)
    seat = next(seat for seat in Seat if seat not in signed)
    return seat, look.eligible(standing.request)[seat]


def _checklist(standing: Standing, *, closed: Sequence[Standing], build: Build | None, look: Look) -> tuple[Item, ...]:
    if standing.is_active or standing.state in _RELEASED:
        return ()
    if standing.request is not None and standing.state in (RequestState.OPEN, RequestState.CONDITIONAL):
        return items_of_request(standing.request, look=look)
    if closed or build is None:
        return ()
    try:
        return items_of_evidence(phase=standing.phase, build=build, look=look)
    except GatehouseError:  # no policy is active: nothing can be judged, and the page of the policy says so
        return ()


def history_line(request: ReleaseRequest, *, now: datetime) -> HistoryLine:
    """A request at hand with its state now."""
    conditions = conditions_of(request) if request.state == RequestState.CONDITIONAL.value else ()
    state, decision = state_of(request, now=now, conditions=conditions), last_decision_of(request)
    return HistoryLine(
        request=request,
        state=state,
        effect=effect_of(state, has_open_before_use=has_open_before_use(conditions)),
        decision=decision,
    )
