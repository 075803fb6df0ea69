"""What stands between a build and the release of a phase: each thing with the act that clears it, who may, by when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import prefetch_related_objects

from console.checklist import TITLES, Item, Text
from console.eligibility import ACT_OF_SEAT
from console.kernel.authority import Act, Role, who_may
from console.models import Condition, Phase, ReleaseRequest
from console.release_states import SEAT_LABELS, RequestState, Seat
from console.releases.checking import items_of_evidence, items_of_request
from console.releases.look import Look
from console.releases.standing import Standing, end_of
from ledger import gettext_noop
from testruns.models import Build

_SIGNING_ITEMS = frozenset({"seats", "review"})
"""Items of the checklist that say no more than who has not signed: the seats say it one by one."""

_REQUEST = gettext_noop("Release request")
_CONDITION = gettext_noop("Condition C%(number)s")
_DECISION = gettext_noop("Decision")
_NEVER_RUN = gettext_noop("no run of this build is known here")
_NONE_OPEN = gettext_noop("none is open for this build")
_ANOTHER_OPEN = gettext_noop("request %(request)s is open for another build: it must be decided or withdrawn first")
_PREDECESSOR = gettext_noop("phase %(phase)s: %(label)s")
_NOT_SIGNED = gettext_noop("not signed yet")
_NOBODY_LEFT = gettext_noop("not signed yet, and nobody is left for it")
_TO_CLOSE = gettext_noop("open: %(text)s")
_TO_CONFIRM = gettext_noop("closed by its owner, not confirmed yet: %(text)s")
_ALL_CLOSED = gettext_noop("every condition is closed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """One thing that is left. people: who may do it, by name. until: the instant it is too late, None without one.

    due: the day by whose end that is, where people agreed on a day. link: kind and number, as in the checklist.
    """

    code: str
    title: Text
    why: Text
    act: Act
    people: tuple[str, ...]
    until: datetime | None = None
    due: date | None = None
    link: str = ""

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that may do it."""
        return who_may(act=self.act)


def what_is_left(standing: Standing, *, build: Build | None, look: Look) -> tuple[Left, ...]:
    """Everything between this build and the release of the phase, in the order in which people do it.

    standing: of the phase, for this build alone. build: None when nothing is known of it. Empty when it is released, or
    the phase is in use without a release. Raises `NoActivePolicy`.
    """
    if standing.is_active or standing.state is RequestState.GO:
        return ()
    if standing.request is not None and standing.state is RequestState.OPEN:
        return tuple(_of_open_request(standing.request, look=look))
    if standing.request is not None and standing.state is RequestState.CONDITIONAL:
        return tuple(_of_conditional(standing.request, standing, look=look))
    return tuple(_before_request(standing.phase, build, look=look))


def _of_open_request(request: ReleaseRequest, *, look: Look) -> Iterator[Left]:
    signed, eligible = look.sign_offs(request), look.eligible(request)
    said_by_seats = _SIGNING_ITEMS if Seat.REVIEWER not in signed else _SIGNING_ITEMS - {"review"}
    for item in items_of_request(request, look=look):
        if not item.is_green and item.code not in said_by_seats:
            yield replace(_of_item(item, look=look), until=request.deadline_at)
    for seat in Seat:
        if seat not in signed:
            yield Left(
                code=f"seat-{seat.value.lower()}",
                title=_text(SEAT_LABELS[seat]),
                why=_text(_NOT_SIGNED if eligible[seat] else _NOBODY_LEFT),
                act=ACT_OF_SEAT[seat],
                people=eligible[seat],
                until=request.deadline_at,
                link=f"request:{request.pk}",
            )


def _of_conditional(request: ReleaseRequest, standing: Standing, *, look: Look) -> Iterator[Left]:
    prefetch_related_objects(list(standing.open_conditions), "closings")
    for condition in standing.open_conditions:
        yield _of_condition(condition, look=look)
    if not standing.open_conditions:
        for item in items_of_request(request, look=look):
            if not item.is_green:
                yield _of_item(item, look=look)
        yield Left(
            code="decision",
            title=_text(_DECISION),
            why=_text(_ALL_CLOSED),
            act=Act.DECIDE_RELEASE,
            people=look.eligible(request)[Seat.SUPERVISOR],
            until=standing.valid_until,
            link=f"request:{request.pk}",
        )


def _of_condition(condition: Condition, *, look: Look) -> Left:
    is_closed_by_owner = bool(condition.closings.all())
    act = Act.CONFIRM_CONDITION if is_closed_by_owner else Act.CLOSE_CONDITION
    return Left(
        code=f"condition-{condition.number}",
        title=_text(_CONDITION, number=condition.number),
        why=_text(_TO_CONFIRM if is_closed_by_owner else _TO_CLOSE, text=condition.text),
        act=act,
        people=look.names_who_may(act) if is_closed_by_owner else (str(condition.owner),),
        until=end_of(condition.due_date),
        due=condition.due_date,
        link=f"condition:{condition.pk}",
    )


def _before_request(phase: Phase, build: Build | None, *, look: Look) -> Iterator[Left]:
    """Behind a phase that is not released, and for a build nobody ran, there is no more to say than that."""
    closed = [one for one in look.predecessors(phase) if not one.opens]
    for one in closed:
        yield Left(
            code="predecessor",
            title=_text(TITLES["predecessor"]),
            why=_text(_PREDECESSOR, phase=one.phase.code, label=_text(one.label)),
            act=Act.DECIDE_RELEASE,
            people=look.names_who_may(Act.DECIDE_RELEASE),
            link=f"phase:{one.phase.code}",
        )
    if closed:
        return
    if build is None:
        yield Left(
            code="runs",
            title=_text(TITLES["runs"]),
            why=_text(_NEVER_RUN),
            act=Act.REQUEST_RUN,
            people=look.names_who_may(Act.REQUEST_RUN),
        )
    else:
        for item in items_of_evidence(phase=phase, build=build, look=look):
            if not item.is_green and item.code not in _SIGNING_ITEMS:
                yield _of_item(item, look=look)
    yield _of_request_to_open(phase, look=look)


def _of_request_to_open(phase: Phase, *, look: Look) -> Left:
    another = next((one for one in look.open_requests if one.phase_id == phase.pk), None)
    return Left(
        code="request",
        title=_text(_REQUEST),
        why=_text(_ANOTHER_OPEN, request=another.pk) if another else _text(_NONE_OPEN),
        act=Act.OPEN_REQUEST,
        people=look.names_who_may(Act.OPEN_REQUEST),
        until=another.deadline_at if another else None,
        link=f"request:{another.pk}" if another else f"phase:{phase.code}",
    )


def _of_item(item: Item, *, look: Look) -> Left:
    return Left(
        code=item.code,
        title=item.title,
        why=item.why,
        act=item.act,
        people=item.people or look.names_who_may(item.act),
        link=item.link,
    )


def _text(template: str, /, **params: Any) -> Text:
    return {"template": template, "params": params}
