"""What runs out soon: releases, conditions, waivers, requests, tokens; for those who can do something about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from console.checklist import Text
from console.kernel.authority import Role
from console.kernel.models import ApiToken
from console.models import Condition, Decision, Notification, ReleaseRequest, Waiver
from console.notifications.notice import Notice, People, holders, text, to_each, verbatim
from console.release_states import RequestState
from console.releases.standing import end_of, last_decision_of, state_of
from ledger import gettext_noop

SOON: Final = timedelta(days=3)
TOKEN_LIFE_MIN: Final = timedelta(days=14)
"""A token for less was made to end soon."""

_RELEASE = gettext_noop("the release of phase %(phase)s runs out soon")
_CONDITION = gettext_noop("condition C%(number)s of phase %(phase)s is due soon: %(text)s")
_WAIVER = gettext_noop("waiver W-%(waiver)s for rule %(rule)s of phase %(phase)s runs out soon")
_REQUEST = gettext_noop("release request %(request)s of phase %(phase)s expires soon without a decision")
_TOKEN = gettext_noop("the token “%(name)s” runs out soon; rotate it before")


def lapsing_notices(people: People, *, now: datetime) -> Iterator[Notice]:
    """Everything whose time is over within three days."""
    supervisors = holders(Role.SUPERVISOR, of=people)
    for lapsing in (_releases, _conditions, _waivers, _requests):
        for concerned, notice in lapsing(now=now):
            yield from to_each([*concerned, *supervisors], of=people, kind=Notification.Kind.LAPSING, **notice)
    for concerned, notice in _tokens(now=now):
        yield from to_each(concerned, of=people, kind=Notification.Kind.LAPSING, **notice)


Found = Iterator[tuple[list[int], dict[str, Any]]]
"""Whom it concerns besides the supervisors, and the notice."""


def _releases(*, now: datetime) -> Found:
    decisions = Decision.objects.filter(valid_until__gt=now, valid_until__lte=now + SOON)
    standing = decisions.filter(request__state__in=[RequestState.GO.value, RequestState.CONDITIONAL.value])
    for decision in standing.select_related("request__phase").defer("content", "request__manifest").order_by("pk"):
        request = decision.request
        if state_of(request, now=now).is_release and last_decision_of(request) == decision:
            what = text(_RELEASE, phase=request.phase.code)
            subject, link = f"decision:{decision.pk}", f"request:{request.pk}"
            yield [request.opened_by_id], _notice(what, subject, link=link, until=decision.valid_until)


def _conditions(*, now: datetime) -> Found:
    near = Condition.objects.filter(due_date__gte=now.date() - timedelta(days=1), due_date__lte=(now + SOON).date())
    rows = near.filter(confirmation__isnull=True, decision__request__state=RequestState.CONDITIONAL.value)
    related = rows.select_related("decision__request__phase").defer("decision__content", "decision__request__manifest")
    for row in related.order_by("pk"):
        request, until = row.decision.request, end_of(row.due_date)
        if now < until <= now + SOON and state_of(request, now=now) is RequestState.CONDITIONAL:
            what = text(_CONDITION, number=row.number, phase=request.phase.code, text=row.text)
            yield [row.owner_id], _notice(what, f"condition:{row.pk}", link=f"condition:{row.pk}", until=until)


def _waivers(*, now: datetime) -> Found:
    near = Waiver.objects.filter(answer__is_approved=True, expires_at__gt=now, expires_at__lte=now + SOON)
    for waiver in near.select_related("phase").order_by("pk"):
        what = text(_WAIVER, waiver=waiver.pk, rule=waiver.rule_code, phase=waiver.phase.code)
        subject = link = f"waiver:{waiver.pk}"
        yield [waiver.requested_by_id], _notice(what, subject, link=link, until=waiver.expires_at)


def _requests(*, now: datetime) -> Found:
    near = ReleaseRequest.objects.filter(deadline_at__gt=now, deadline_at__lte=now + SOON)
    waiting = near.filter(state=RequestState.OPEN.value).select_related("phase").defer("manifest")
    for request in waiting.order_by("pk"):
        what = text(_REQUEST, request=request.pk, phase=request.phase.code)
        subject = link = f"request:{request.pk}"
        yield [request.opened_by_id], _notice(what, subject, link=link, until=request.deadline_at)


def _tokens(*, now: datetime) -> Found:
    """Those that nobody has rotated yet; of a service also for who made it."""
    near = ApiToken.objects.filter(expires_at__gt=now, expires_at__lte=now + SOON, revoked_at__isnull=True)
    for token in near.filter(replaced_by__isnull=True).order_by("pk"):
        if token.expires_at - token.created_at >= TOKEN_LIFE_MIN:
            what = text(_TOKEN, name=verbatim(token.name))
            notice = _notice(what, f"token:{token.pk}", link="tokens", until=token.expires_at)
            yield [token.person_id, token.created_by_id], notice


def _notice(what: Text, subject: str, *, link: str, until: datetime | None) -> dict[str, Any]:
    return {"what": what, "subject": subject, "link": link, "deadline": until}
