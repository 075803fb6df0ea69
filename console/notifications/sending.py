"""Sends the e-mails that are due: bounded in number and time, again and again until they are gone.

An attempt is written down before it is made, together with when the next one would be due. So two processes never make
the same attempt, and one that dies within it leaves a row that is sent again, under the same Message-ID. A server that
refuses, hangs or talks nonsense keeps nothing else waiting.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.db.models import F
from django.utils import timezone

from console.kernel import audit
from console.models import Notification, NotificationChoice
from console.notifications.letters import letter_of, one_line
from console.notifications.telling import MAIL_AGE_MAX, default_choice
from console.releases.seats import active_people

logger = logging.getLogger(__name__)

LETTERS_MAX: Final = 20
LETTER_SECONDS = 30.0
FIRST_RETRY: Final = timedelta(minutes=1)  # longer than a letter may take: nobody else makes the same attempt meanwhile
LAST_RETRY: Final = timedelta(hours=1)
DOUBLINGS_MAX: Final = 10
TROUBLE_CHARACTERS_MAX: Final = 200

_OF_THE_LETTER = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)
_OF_THE_SERVER = (OSError, SMTPException, ImproperlyConfigured, ValueError)


class TookTooLong(OSError):
    """The server answers, and not within the time a letter may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One pass. failed_count: attempts that will be made again."""

    count: int = 0
    failed_count: int = 0


def send_due() -> Sent:
    """Send what is due, the longest waiting first, at most twenty. Raises nothing for what a server does."""
    rows = _still_wanted()
    if not rows:
        return Sent()
    try:
        with _at_most(LETTER_SECONDS):
            connection = get_connection()
            connection.open()
    except _OF_THE_SERVER as trouble:
        failed = [row for row in rows if _begin_attempt(row)]
        for row in failed:
            _note(row, trouble)
        return Sent(failed_count=len(failed))
    try:
        return _send(rows, connection=connection)
    finally:
        with suppress(*_OF_THE_SERVER), _at_most(LETTER_SECONDS):
            connection.close()


def _send(rows: Sequence[Notification], *, connection: Any) -> Sent:
    """One after the other; what is wrong with one letter leaves the next alone, with the server ends it."""
    count = failed_count = 0
    head = audit.head()
    for row in rows:
        if not _begin_attempt(row):
            continue
        letter = _written(row, head=head)
        if letter is None:
            failed_count += 1
            continue
        try:
            with _at_most(LETTER_SECONDS):
                connection.send_messages([letter])
        except _OF_THE_LETTER as refusal:
            _note(row, refusal)
            failed_count += 1
        except _OF_THE_SERVER as trouble:
            _note(row, trouble)
            return Sent(count=count, failed_count=failed_count + 1)
        else:
            Notification.objects.filter(pk=row.pk).update(mailed_at=timezone.now(), mail_due_at=None, mail_trouble="")
            count += 1
    return Sent(count=count, failed_count=failed_count)


def _still_wanted() -> list[Notification]:
    """What is due and still to be told: who left, lost every role, has read it or chose otherwise gets nothing more."""
    now = timezone.now()
    due = Notification.objects.filter(mail_due_at__lte=now, ended_at__isnull=True).select_related("person")
    rows = list(due.order_by("mail_due_at", "pk")[:LETTERS_MAX])
    if not rows:
        return []
    people, choices = active_people(), NotificationChoice.objects.in_bulk({row.person_id for row in rows})
    wanted = [
        row
        for row in rows
        if row.person in people
        and row.person.email
        and row.read_at is None
        and now - row.created_at <= MAIL_AGE_MAX
        and (choices.get(row.person_id) or default_choice(row.person_id)).is_mailed(row.kind)
    ]
    Notification.objects.filter(pk__in={row.pk for row in rows} - {row.pk for row in wanted}).update(mail_due_at=None)
    return wanted


def _begin_attempt(row: Notification) -> bool:
    """Write the attempt down; False when somebody else makes it."""
    wait = min(FIRST_RETRY * 2 ** min(row.mail_attempt_count, DOUBLINGS_MAX), LAST_RETRY)
    same = Notification.objects.filter(pk=row.pk, mail_due_at=row.mail_due_at)
    return bool(same.update(mail_due_at=timezone.now() + wait, mail_attempt_count=F("mail_attempt_count") + 1))


def _written(row: Notification, *, head: audit.Head) -> EmailMessage | None:
    """The letter; None for a row that cannot be said, which must not keep the others from being sent."""
    try:
        return letter_of(row, head=head)
    except Exception as mistake:
        logger.exception("notification %s cannot be said", row.pk)
        _note(row, mistake)
        return None


def _note(row: Notification, trouble: Exception) -> None:
    said = one_line(f"{type(trouble).__name__}: {trouble}", characters_max=TROUBLE_CHARACTERS_MAX)
    logger.warning("the e-mail of notification %s was not sent: %s", row.pk, said)
    Notification.objects.filter(pk=row.pk).update(mail_trouble=said)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` within this block after so long: each word of a server has its own limit, and it has many.

    Only for the main thread. An alarm that somebody else has set goes on when the block is left.
    """

    def ring(_signal: int, _frame: object) -> None:
        raise TookTooLong(f"the mail server took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        unused, _interval = signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (seconds - unused), 0.001), interval)
