"""One pass: what everybody should be told becomes rows, what no longer waits or runs out ends, old rows go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from console.kernel.models import Person
from console.models import Notification, NotificationChoice
from console.notifications.decided import decided_notices
from console.notifications.ended import ended_notices
from console.notifications.lapsing import lapsing_notices
from console.notifications.notice import Notice, People
from console.notifications.waiting import waiting_notices
from console.releases.seats import active_people

logger = logging.getLogger(__name__)

MAIL_AGE_MAX: Final = timedelta(days=7)
"""What is older is told in the inbox alone, however long the mail server was gone."""

KEPT: Final = timedelta(days=90)
SUBJECTS_AT_ONCE: Final = 500

Kind = Notification.Kind
Key = tuple[int, str, str]

_READ: Mapping[Kind, Callable[..., Iterator[Notice]]] = {
    Kind.WAITING: waiting_notices,
    Kind.DECIDED: decided_notices,
    Kind.LAPSING: lapsing_notices,
    Kind.RUN: ended_notices,
}
_PASSING = (Kind.WAITING, Kind.LAPSING)
"""Kinds that tell how things are and not what happened: they end when it is no longer so."""


def tell(*, now: datetime | None = None) -> int:
    """One pass over everything; how many notifications it made.

    A part that cannot be read is logged and leaves the others alone; nothing of it ends meanwhile.
    """
    now = now or timezone.now()
    people = active_people()
    count = sum(_tell(kind, people=people, now=now) for kind in _READ)
    _forget(now=now)
    return count


def default_choice(person: int) -> NotificationChoice:
    """What holds for somebody who has chosen nothing; the row is not saved."""
    return NotificationChoice(person_id=person)


def _tell(kind: Kind, *, people: People, now: datetime) -> int:
    try:
        notices = {one.key: one for one in _READ[kind](people, now=now)}
    except Exception:
        logger.exception("what is %s could not be read; the next pass tries again", kind.value)
        return 0
    told = _told(kind, notices)
    new = [notice for key, notice in notices.items() if key not in told]
    Notification.objects.bulk_create(
        _rows(new, people=people, now=now), ignore_conflicts=True, batch_size=SUBJECTS_AT_ONCE
    )
    if kind in _PASSING:
        again = Notification.objects.filter(pk__in=told.values(), ended_at__isnull=False)
        again.update(ended_at=None)
        _end_all_but(notices.keys(), kind=kind, now=now)
    return len(new)


def _told(kind: Kind, notices: Collection[Key]) -> dict[Key, int]:
    """The rows there are of these notices, by key."""
    subjects = iter({subject for _person, _kind, subject in notices})
    found: dict[Key, int] = {}
    while some := list(islice(subjects, SUBJECTS_AT_ONCE)):
        rows = Notification.objects.filter(kind=kind, subject__in=some)
        found |= {(person, kind.value, subject): pk for pk, person, subject in _keys(rows)}
    return {key: pk for key, pk in found.items() if key in notices}


def _keys(rows: QuerySet[Notification]) -> Iterator[tuple[int, int, str]]:
    return rows.order_by().values_list("pk", "person_id", "subject").iterator()


def _rows(notices: Sequence[Notice], *, people: People, now: datetime) -> list[Notification]:
    known: dict[int, Person] = {person.pk: person for person in people}
    choices = NotificationChoice.objects.in_bulk({notice.person for notice in notices})
    return [
        Notification(
            person_id=notice.person,
            kind=notice.kind,
            subject=notice.subject,
            what=notice.what,
            why=notice.why or {},
            link=notice.link,
            deadline_at=notice.deadline,
            created_at=now,
            mail_due_at=now if _is_mailed(notice, known[notice.person], choices, now=now) else None,
        )
        for notice in notices
    ]


def _is_mailed(notice: Notice, person: Person, choices: Mapping[int, NotificationChoice], *, now: datetime) -> bool:
    choice = choices.get(person.pk) or default_choice(person.pk)
    is_news = notice.at is None or now - notice.at <= MAIL_AGE_MAX
    return bool(person.email) and is_news and choice.is_mailed(notice.kind)


def _end_all_but(current: Collection[Key], *, kind: Kind, now: datetime) -> None:
    rows = Notification.objects.filter(kind=kind, ended_at__isnull=True, created_at__lt=now)
    over = [pk for pk, person, subject in _keys(rows) if (person, kind.value, subject) not in current]
    Notification.objects.filter(pk__in=over).update(ended_at=now)


def _forget(*, now: datetime) -> None:
    """Delete what is old: it is over, and would not be told anew. A lapse is, until a later release replaces it."""
    old = Notification.objects.filter(created_at__lt=now - KEPT).exclude(subject__startswith="lapse:")
    old.exclude(kind__in=_PASSING, ended_at__isnull=True).delete()
