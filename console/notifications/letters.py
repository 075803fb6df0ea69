"""The e-mail of a notification: the recipient's language and zone, the link, the head of the audit chain.

Plain text, and nothing in it opens anything: who follows the link signs in. Texts that people wrote stand on lines of
their own width; no line break of theirs reaches a header.
"""

from __future__ import annotations

import textwrap
from email.utils import formataddr
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from console.kernel import audit
from console.models import Notification
from console.templatetags.gatehouse import in_own_zone
from console.templatetags.releases import address, sentence

SUBJECT_CHARACTERS_MAX: Final = 160
TEXT_CHARACTERS_MAX: Final = 1000
LINE_CHARACTERS: Final = 90


def letter_of(row: Notification, *, head: audit.Head) -> EmailMessage:
    """The e-mail of this row, to its person. The same row has the same Message-ID, however often it is sent."""
    person = row.person
    language, zone = person.language or settings.LANGUAGE_CODE, person.time_zone or settings.TIME_ZONE
    with translation.override(language), timezone.override(zone):
        what = sentence(row.what)
        body = render_to_string("console/notification.txt", _facts(row, what=what, head=head))
    return EmailMessage(
        subject=one_line(f"[Gatehouse] {what}", characters_max=SUBJECT_CHARACTERS_MAX),
        body=body,
        from_email=formataddr(("Gatehouse", settings.DEFAULT_FROM_EMAIL)),
        to=[person.email],
        headers={"Message-ID": message_id(row), "Auto-Submitted": "auto-generated", "Content-Language": language},
    )


def message_id(row: Notification) -> str:
    """Stable for a row, and no other row's on any machine: a mail program shows a repetition once."""
    host = urlsplit(settings.BASE_URL).hostname
    return f"<notification-{row.pk}-{row.created_at:%Y%m%d%H%M%S%f}@{host}>"


def one_line(text: str, *, characters_max: int) -> str:
    """The text without line breaks and other signs that do not print, cut where it is too long."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= characters_max else f"{line[: characters_max - 1]}…"


def _facts(row: Notification, *, what: str, head: audit.Head) -> dict[str, Any]:
    return {
        "person": one_line(str(row.person), characters_max=SUBJECT_CHARACTERS_MAX),
        "what": _wrapped(what),
        "why": _wrapped(sentence(row.why)),
        "deadline": in_own_zone(row.deadline_at) if row.deadline_at else "",
        "said_at": in_own_zone(row.created_at),
        "url": settings.BASE_URL + address(row.link),
        "choice_url": settings.BASE_URL + reverse("admin:own_notification_choice"),
        "head": head,
    }


def _wrapped(text: str) -> str:
    """Lines of a length at which no server folds them: the head below must stay readable as it is."""
    return "\n".join(textwrap.wrap(one_line(text, characters_max=TEXT_CHARACTERS_MAX), width=LINE_CHARACTERS))
