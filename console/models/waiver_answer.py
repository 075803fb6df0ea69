"""The answer to a waiver, by another person than the one who asked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.waiver import Waiver


class WaiverAnswer(models.Model):
    """One per waiver; approved or denied, with a reason."""

    waiver = models.OneToOneField(Waiver, on_delete=models.PROTECT, related_name="answer")
    is_approved = models.BooleanField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        verbose_name = _("answer to a waiver")
        verbose_name_plural = _("answers to waivers")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.waiver}"


append_only(
    WaiverAnswer,
    refused_when=(
        "EXISTS (SELECT 1 FROM console_waiver w WHERE w.id = NEW.waiver_id AND w.requested_by_id = NEW.answered_by_id)"
    ),
    reason="is given by another person than the one who asked",
)
