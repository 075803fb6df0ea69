"""What one person sees of their notifications, marks as read, and chooses. No act of the audit trail: it is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from console.kernel.models import Person
from console.models import Notification, NotificationChoice
from console.notifications.telling import default_choice

UNREAD_MAX: Final = 200
EARLIER_MAX: Final = 50

_UNREAD = Q(read_at__isnull=True, ended_at__isnull=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbox:
    """unread: what is new, newest first. earlier: what was read or is over, newest first."""

    unread: tuple[Notification, ...]
    earlier: tuple[Notification, ...]


def notifications_of(person: Person) -> Inbox:
    """The person's notifications. Two queries."""
    rows = Notification.objects.filter(person=person).order_by("-pk")
    return Inbox(unread=tuple(rows.filter(_UNREAD)[:UNREAD_MAX]), earlier=tuple(rows.exclude(_UNREAD)[:EARLIER_MAX]))


def unread_count(person: Person) -> int:
    """How many are new, for the header of every page. One query over an index."""
    return _unread(person).count()


def mark_read(person: Person, *, number: int) -> bool:
    """Mark one of the person's own as read; False when it was already, or is not theirs."""
    return bool(_unread(person).filter(pk=number).update(read_at=timezone.now()))


def mark_all_read(person: Person, *, up_to: int) -> int:
    """Mark all up to a number: what came in since the page was shown stays new. How many."""
    return _unread(person).filter(pk__lte=up_to).update(read_at=timezone.now())


def choice_of(person: Person) -> NotificationChoice:
    """What the person has chosen, or what holds without a choice."""
    return NotificationChoice.objects.filter(person=person).first() or default_choice(person.pk)


def choose(person: Person, *, choice: NotificationChoice) -> None:
    """Keep the choice. E-mails that are no longer wanted are not sent, those already due included."""
    choice.person_id = person.pk
    choice.save()


def _unread(person: Person) -> QuerySet[Notification]:
    return Notification.objects.filter(_UNREAD, person=person)
