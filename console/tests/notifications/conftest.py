"""What tests of notifications stand on: the people and evidence of releases, and a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.models import Person
from console.models import Notification
from console.tests.notifications.mail_server import MailServer, mail_server
from console.tests.releases.conftest import build, request_5a, runs, storage, team
from console.tests.releases_pages.conftest import signing_key, visit

__all__ = ["build", "request_5a", "runs", "signing_key", "storage", "team", "visit"]


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server that e-mails of this process go to; each of its words must come within 0.3 s."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 0.3
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server


def with_address(who: Actor | Person, **changes: Any) -> Person:
    """Give somebody an address, a language, a zone."""
    person = who.person if isinstance(who, Actor) else who
    changes = {"email": f"{person.username}@a.example"} | changes
    Person.objects.filter(pk=person.pk).update(**changes)
    person.refresh_from_db()
    return person


def told(who: Actor | Person, kind: str) -> list[str]:
    """The subjects that somebody was told, in order."""
    person = who.person if isinstance(who, Actor) else who
    rows = Notification.objects.filter(person=person, kind=kind).order_by("pk")
    return [row.subject for row in rows]


def notification_for(who: Actor | Person, **changes: Any) -> Notification:
    """A row whose e-mail is due."""
    person = who.person if isinstance(who, Actor) else who
    now = timezone.now()
    values: dict[str, Any] = {
        "kind": "decided",
        "subject": f"test:{Notification.objects.count()}",
        "what": {"template": "phase %(phase)s", "params": {"phase": "5a"}},
        "link": "phase:5a",
        "created_at": now,
        "mail_due_at": now,
    }
    return Notification.objects.create(person=person, **(values | changes))


def make_due() -> None:
    """The waits between attempts are over."""
    Notification.objects.filter(mail_due_at__isnull=False).update(mail_due_at=timezone.now() - timedelta(seconds=1))
