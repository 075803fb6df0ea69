"""What waits for the reader, from every part of the console in one list: the nearest deadline first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from console.kernel.doors import person_of
from console.notifications.waiting import what_waits_for
from console.releases import Look
from console.templatetags.releases import address, sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxLine:
    """One thing in the reader's language, where it is done, and when it is too late."""

    what: str
    url: str
    deadline: datetime | None


def inbox_of(request: HttpRequest, *, look: Look) -> list[InboxLine]:
    """Everything that waits for the signed-in person."""
    lines = [
        InboxLine(what=sentence(one.what), url=address(one.link), deadline=one.deadline)
        for one in what_waits_for(person_of(request), look=look)
    ]
    return sorted(lines, key=lambda line: (line.deadline is None, line.deadline or look.now, line.what))
