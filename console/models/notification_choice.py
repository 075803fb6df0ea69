"""What one person wants to be told, and what of it by e-mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.notification import Notification


class NotificationChoice(models.Model):
    """One row per person who has chosen; who has not gets an e-mail of everything, and nothing of tokens' runs."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notification_choice", primary_key=True
    )
    mails_waiting = models.BooleanField(_("What waits for me"), default=True)
    mails_decided = models.BooleanField(_("What was decided on what I signed or asked for"), default=True)
    mails_lapsing = models.BooleanField(_("What runs out soon"), default=True)
    mails_run = models.BooleanField(_("Runs that I asked for and that ended"), default=True)
    tells_runs_of_tokens = models.BooleanField(_("Tell me of runs that my tokens asked for as well"), default=False)

    class Meta:
        verbose_name = _("choice of notifications")
        verbose_name_plural = _("choices of notifications")

    def __str__(self) -> str:
        return f"{self.person}"

    def is_mailed(self, kind: str) -> bool:
        """Whether this kind is wanted by e-mail."""
        return {
            Notification.Kind.WAITING: self.mails_waiting,
            Notification.Kind.DECIDED: self.mails_decided,
            Notification.Kind.LAPSING: self.mails_lapsing,
            Notification.Kind.RUN: self.mails_run,
        }[Notification.Kind(kind)]
