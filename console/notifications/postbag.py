"""How the e-mails stand that are not sent yet, for whoever looks after the installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q
from django.utils import timezone

from console.models import Notification

LATE: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Postbag:
    """What waits. failed: of it, what was tried and not sent. since: the oldest of it, None for nothing.

    trouble: why the last attempt failed, as the server or the system says it.
    """

    waiting: int
    failed: int
    since: datetime | None
    trouble: str

    @property
    def is_stuck(self) -> bool:
        """Whether somebody should look: an attempt failed, or nobody has tried for ten minutes."""
        return bool(self.failed) or (self.since is not None and timezone.now() - self.since > LATE)


def postbag() -> Postbag:
    """The e-mails that are to be sent. One query, two when something failed."""
    waiting = Notification.objects.filter(mail_due_at__isnull=False, ended_at__isnull=True)
    failed = ~Q(mail_trouble="")
    found = waiting.aggregate(count=Count("pk"), failed=Count("pk", filter=failed), since=Min("created_at"))
    last = waiting.filter(failed).order_by("-mail_due_at").values_list("mail_trouble", flat=True)
    return Postbag(
        waiting=found["count"],
        failed=found["failed"],
        since=found["since"],
        trouble=(last.first() or "") if found["failed"] else "",
    )
