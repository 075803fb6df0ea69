"""The confirmation of a closing by a supervisor: from then on the condition is closed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.condition import Condition
from console.models.condition_closing import ConditionClosing


class ConditionConfirmation(models.Model):
    """One per condition, by somebody other than who closed it."""

    condition = models.OneToOneField(Condition, on_delete=models.PROTECT, related_name="confirmation")
    closing = models.OneToOneField(ConditionClosing, on_delete=models.PROTECT, related_name="confirmation")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("confirmation of a closing")
        verbose_name_plural = _("confirmations of closings")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.condition}"


append_only(
    ConditionConfirmation,
    refused_when=(
        "NOT EXISTS (SELECT 1 FROM console_conditionclosing c WHERE c.id = NEW.closing_id "
        "AND c.condition_id = NEW.condition_id AND c.closed_by_id <> NEW.confirmed_by_id)"
    ),
    reason="is given by another person than the one who closed",
)
