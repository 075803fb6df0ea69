"""Asking a signed-in person for their password again, with wrong ones counted by person and source.

An attempt is counted before the password is looked at and forgotten when it was right. So guesses made at the same
moment cannot all slip through before the first of them is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.hashers import check_password
from django.db import transaction

from console.kernel.errors import TooManyAttempts, WrongPassword
from console.kernel.models import Person, WrongPasswords

ATTEMPTS_MAX = 5  # as for signing in
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reauthentication:
    """How and when (UTC) a signer proved anew who they are."""

    method: str
    at: datetime


def reauthenticate(*, person: Person, source: str, password: str) -> Reauthentication:
    """Compare the password with the person's, in the time Django's hasher takes (0.2 s). Call it outside transactions.

    Raises `WrongPassword`, or `TooManyAttempts` when this source has used up its attempts at this person's password.
    """
    now = datetime.now(UTC)
    left = _count_attempt(person=person, source=source, now=now)
    if not check_password(password, person.password):
        raise WrongPassword(left=left)
    WrongPasswords.objects.filter(person=person, source=source).delete()
    return Reauthentication(method="password", at=now)


def _count_attempt(*, person: Person, source: str, now: datetime) -> int:
    """Count one more and say how many are left; durable, so that nothing that follows can undo it."""
    with transaction.atomic(durable=True):
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)  # two at once would both insert the first count
        counted, _created = WrongPasswords.objects.select_for_update().get_or_create(
            person=person, source=source, defaults={"count": 0, "since": now}
        )
        if now - counted.since >= WINDOW:
            counted.count, counted.since = 0, now
        if counted.count >= ATTEMPTS_MAX:
            raise TooManyAttempts(seconds=int((counted.since + WINDOW - now).total_seconds()) + 1)
        counted.count += 1
        counted.save(update_fields=["count", "since"])
    return ATTEMPTS_MAX - counted.count
