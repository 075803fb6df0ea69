"""What waits for one person: signatures, a decision, conditions, waivers; the nearest deadline first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.checklist import Text
from console.eligibility import ACT_OF_SEAT, why_not, why_not_yet
from console.kernel.authority import Act, Role, may
from console.kernel.models import Person
from console.models import Condition, ReleaseRequest, SignOffWithdrawal, Waiver
from console.release_states import RequestState, Seat
from console.releases.look import Look
from console.releases.standing import end_of, is_closed, state_of
from ledger import gettext_noop

_SEATS = {
    Seat.ENGINEER: gettext_noop("phase %(phase)s: attest the implementation in release request %(request)s"),
    Seat.TESTER: gettext_noop("phase %(phase)s: sign the execution in release request %(request)s"),
    Seat.REVIEWER: gettext_noop("phase %(phase)s: write and sign the review of release request %(request)s"),
    Seat.SUPERVISOR: gettext_noop("phase %(phase)s: decide release request %(request)s"),
}
_GO = gettext_noop("phase %(phase)s: every condition is closed, decide GO in release request %(request)s")
_CLOSE = gettext_noop("close condition C%(number)s of phase %(phase)s: %(text)s")
_CONFIRM = gettext_noop("confirm that condition C%(number)s of phase %(phase)s is met: %(text)s")
_WAIVER = gettext_noop("answer waiver W-%(waiver)s for rule %(rule)s of phase %(phase)s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One thing. link: kind and number, as in the checklist. deadline: the instant it is too late, None without one.

    subject: names it for ever; what waits again for another reason has another one.
    """

    what: Text
    link: str
    deadline: datetime | None
    subject: str


def waits_for(person: Person, *, roles: frozenset[Role], look: Look) -> tuple[Waiting, ...]:
    """Everything that waits for this person, who holds these roles, by deadline; what has none comes last."""
    now = look.now
    found = [
        *_seats(person, roles, look=look),
        *_conditions(person, roles, look=look),
        *_waivers(person, roles, now=now),
    ]
    return tuple(sorted(found, key=lambda one: (one.deadline is None, one.deadline or now, one.link)))


def _seats(person: Person, roles: frozenset[Role], *, look: Look) -> Iterator[Waiting]:
    """The next seat of every open request, where this person may fill it."""
    if not any(may(act=act, roles=roles) for act in ACT_OF_SEAT.values()):
        return
    for request in look.open_requests:
        facts = look.facts(request)
        for seat in Seat:
            if why_not_yet(seat, facts=facts) is None and why_not(seat, person.pk, roles=roles, facts=facts) is None:
                params = {"phase": request.phase.code, "request": request.pk}
                withdrawn = SignOffWithdrawal.objects.filter(sign_off__request=request).count()
                subject = f"seat:{seat.value}:request:{request.pk}:{withdrawn}"
                yield _waiting(_SEATS[seat], params, f"request:{request.pk}", request.deadline_at, subject)


def _conditions(person: Person, roles: frozenset[Role], *, look: Look) -> Iterator[Waiting]:
    """Own conditions to close, closed ones to confirm, and the GO when the last one is confirmed."""
    known = look.conditions(look.conditional_requests)
    for request in look.conditional_requests:
        if state_of(request, now=look.now, conditions=known[request.pk]) is not RequestState.CONDITIONAL:
            continue
        conditions = Condition.objects.filter(decision__request=request).select_related("confirmation")
        rows = list(conditions.prefetch_related("closings").order_by("number"))
        yield from (one for row in rows for one in _condition(row, request, person, roles))
        if rows and all(is_closed(row) for row in rows) and may(act=Act.DECIDE_RELEASE, roles=roles):
            until = max(decision.valid_until or look.now for decision in request.decisions.all())
            params = {"phase": request.phase.code, "request": request.pk}
            yield _waiting(_GO, params, f"request:{request.pk}", until, f"go:request:{request.pk}")


def _condition(row: Condition, request: ReleaseRequest, person: Person, roles: frozenset[Role]) -> Iterator[Waiting]:
    if is_closed(row):
        return
    closings = list(row.closings.all())
    due = end_of(row.due_date)
    params = {"number": row.number, "phase": request.phase.code, "text": row.text}
    if not closings and row.owner_id == person.pk:
        yield _waiting(_CLOSE, params, f"condition:{row.pk}", due, f"close:condition:{row.pk}")
    is_other = bool(closings) and closings[-1].closed_by_id != person.pk
    if is_other and may(act=Act.CONFIRM_CONDITION, roles=roles):
        yield _waiting(_CONFIRM, params, f"condition:{row.pk}", due, f"confirm:closing:{closings[-1].pk}")


def _waivers(person: Person, roles: frozenset[Role], *, now: datetime) -> Iterator[Waiting]:
    if not may(act=Act.APPROVE_WAIVER, roles=roles):
        return
    unanswered = Waiver.objects.filter(answer__isnull=True, expires_at__gt=now).exclude(requested_by=person)
    for waiver in unanswered.select_related("phase").order_by("pk"):
        params = {"waiver": waiver.pk, "rule": waiver.rule_code, "phase": waiver.phase.code}
        yield _waiting(_WAIVER, params, f"waiver:{waiver.pk}", waiver.expires_at, f"answer:waiver:{waiver.pk}")


def _waiting(template: str, params: dict[str, Any], link: str, deadline: datetime | None, subject: str) -> Waiting:
    return Waiting(what={"template": template, "params": params}, link=link, deadline=deadline, subject=subject)
