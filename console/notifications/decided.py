"""What was decided, for who signed or asked: decisions, revocations, lapses, requests that ended, waivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Prefetch

from console.kernel.authority import Act
from console.kernel.models import AuditEntry
from console.models import Decision, Notification, ReleaseRequest, Revocation, SignOff, WaiverAnswer
from console.notifications.notice import LOOK_BACK, Notice, People, text, to_each, verbatim
from console.release_states import RequestState, Word
from console.releases.board import lapses
from ledger import gettext_noop

_WORDS = {
    Word.GO: gettext_noop("phase %(phase)s: %(person)s decided GO in release request %(request)s"),
    Word.CONDITIONAL: gettext_noop("phase %(phase)s: %(person)s decided CONDITIONAL in release request %(request)s"),
    Word.NO_GO: gettext_noop("phase %(phase)s: %(person)s decided NO-GO in release request %(request)s"),
}
_REVOKED = gettext_noop("the release of phase %(phase)s was revoked by %(person)s")
_LAPSED = gettext_noop("the release of phase %(phase)s has lapsed")
_EXPIRED = gettext_noop("release request %(request)s of phase %(phase)s expired without a decision")
_WITHDRAWN = gettext_noop("release request %(request)s of phase %(phase)s was withdrawn")
_ANSWERS = {
    True: gettext_noop("%(person)s approved waiver W-%(waiver)s for rule %(rule)s of phase %(phase)s"),
    False: gettext_noop("%(person)s denied waiver W-%(waiver)s for rule %(rule)s of phase %(phase)s"),
}
_UNDECIDED = [state.value for state in (RequestState.OPEN, RequestState.EXPIRED, RequestState.WITHDRAWN)]
_SIGNED = Prefetch("sign_offs", queryset=SignOff.objects.only("pk", "request_id", "person_id"))


def decided_notices(people: People, *, now: datetime) -> Iterator[Notice]:
    """Everything of the last month. Nobody is told what they did themselves."""
    since = now - LOOK_BACK
    yield from _decisions(people, since=since)
    yield from _revocations(people, since=since)
    yield from _lapses(people, now=now)
    yield from _ended_requests(people, since=since, now=now)
    yield from _answers(people, since=since)


def _decisions(people: People, *, since: datetime) -> Iterator[Notice]:
    decisions = Decision.objects.filter(decided_at__gte=since).select_related("sign_off").defer("content")
    requests = _requests(decision.request_id for decision in decisions)
    for decision in decisions:
        request = requests[decision.request_id]
        yield from to_each(
            _concerned(request) - {decision.sign_off.person_id},
            of=people,
            kind=Notification.Kind.DECIDED,
            subject=f"decision:{decision.pk}",
            what=text(
                _WORDS[Word(decision.word)],
                phase=request.phase.code,
                person=verbatim(decision.sign_off.printed_name),
                request=request.pk,
            ),
            link=f"request:{request.pk}",
            at=decision.decided_at,
        )


def _revocations(people: People, *, since: datetime) -> Iterator[Notice]:
    revoked = Revocation.objects.filter(at__gte=since).select_related("person", "decision").defer("decision__content")
    requests = _requests(one.decision.request_id for one in revoked)
    for one in revoked:
        request = requests[one.decision.request_id]
        yield from to_each(
            _concerned(request) - {one.person_id},
            of=people,
            kind=Notification.Kind.DECIDED,
            subject=f"revocation:{one.pk}",
            what=text(_REVOKED, phase=request.phase.code, person=verbatim(str(one.person))),
            link=f"request:{request.pk}",
            at=one.at,
        )


def _lapses(people: People, *, now: datetime) -> Iterator[Notice]:
    """Told as long as nothing has replaced the release."""
    found = lapses(now=now)
    requests = _requests(lapse.request for lapse in found)
    for lapse in found:
        yield from to_each(
            _concerned(requests[lapse.request]),
            of=people,
            kind=Notification.Kind.DECIDED,
            subject=f"lapse:request:{lapse.request}",
            what=text(_LAPSED, phase=lapse.phase),
            why=lapse.why,
            link=f"request:{lapse.request}",
        )


def _ended_requests(people: People, *, since: datetime, now: datetime) -> Iterator[Notice]:
    """Requests that ended without a decision: their time was over, or somebody withdrew them."""
    rows = ReleaseRequest.objects.filter(deadline_at__gte=since, state__in=_UNDECIDED).select_related("phase")
    withdrawn_by = done_by(Act.WITHDRAW_REQUEST)
    for request in rows.defer("manifest").prefetch_related(_SIGNED).order_by("pk"):
        is_withdrawn = request.state == RequestState.WITHDRAWN.value
        if not is_withdrawn and request.deadline_at > now:
            continue
        whoever = withdrawn_by.get(f"request:{request.pk}", "") if is_withdrawn else ""
        yield from to_each(
            {one for one in _concerned(request) if f"user:{one}" != whoever},
            of=people,
            kind=Notification.Kind.DECIDED,
            subject=f"{'withdrawn' if is_withdrawn else 'expired'}:request:{request.pk}",
            what=text(_WITHDRAWN if is_withdrawn else _EXPIRED, request=request.pk, phase=request.phase.code),
            link=f"request:{request.pk}",
            at=None if is_withdrawn else request.deadline_at,
        )


def _answers(people: People, *, since: datetime) -> Iterator[Notice]:
    answers = WaiverAnswer.objects.filter(at__gte=since).select_related("waiver__phase", "answered_by")
    for answer in answers.order_by("pk"):
        waiver = answer.waiver
        yield from to_each(
            [waiver.requested_by_id],
            of=people,
            kind=Notification.Kind.DECIDED,
            subject=f"answer:waiver:{waiver.pk}",
            what=text(
                _ANSWERS[answer.is_approved],
                person=verbatim(str(answer.answered_by)),
                waiver=waiver.pk,
                rule=waiver.rule_code,
                phase=waiver.phase.code,
            ),
            link=f"waiver:{waiver.pk}",
            at=answer.at,
        )


def done_by(act: Act) -> dict[str, str]:
    """Who did this to what, by the names of the audit chain; the last one counts."""
    entries = AuditEntry.objects.filter(act=act.value, outcome=AuditEntry.Outcome.DONE).order_by("index")
    return dict(entries.values_list("object", "actor"))


def _requests(numbers: Iterator[int]) -> dict[int, ReleaseRequest]:
    rows = ReleaseRequest.objects.select_related("phase").defer("manifest").prefetch_related(_SIGNED)
    return rows.in_bulk(set(numbers))


def _concerned(request: ReleaseRequest) -> set[int]:
    """Who opened it and who signed it, also where the signature was withdrawn."""
    return {request.opened_by_id, *(sign_off.person_id for sign_off in request.sign_offs.all())}
