"""A notification: one person is told of one thing, once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """No history and no authority: what happened stands in the rows it speaks of, and everybody may forget theirs.

    `subject` names the thing and what about it, so that nobody is told twice. `what` and `why` (empty without a reason)
    are judged texts {template, params}, said when they are read. `link` is kind and number, as in the checklist.
    `deadline_at`: when it is too late. `ended_at`: it no longer waits or runs out. `mail_due_at` set means that an
    e-mail is still to be sent, not before then; `mail_trouble` says why the last attempt failed.
    """

    class Kind(models.TextChoices):
        """Why somebody is told."""

        WAITING = "waiting", _("It waits for me")
        DECIDED = "decided", _("It was decided")
        LAPSING = "lapsing", _("It runs out soon")
        RUN = "run", _("A run of mine ended")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notifications")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=200)
    what = models.JSONField()
    why = models.JSONField(default=dict, blank=True)
    link = models.CharField(max_length=200)
    deadline_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mail_attempt_count = models.PositiveSmallIntegerField(default=0)
    mail_trouble = models.CharField(max_length=200, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["person"],
                condition=Q(read_at__isnull=True, ended_at__isnull=True),
                name="notification_unread",
            ),
            models.Index(fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False), name="notification_mail_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "subject"], name="notification_once_per_subject"),
            models.CheckConstraint(
                condition=Q(kind__in=["waiting", "decided", "lapsing", "run"]), name="notification_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(mail_due_at__isnull=True) | Q(mailed_at__isnull=True), name="notification_mailed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
