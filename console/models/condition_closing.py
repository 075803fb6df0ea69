"""The closing of a condition by its owner, with evidence; it takes effect when a supervisor confirms it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.condition import Condition
from testruns.models import Evidence, Run


class ConditionClosing(models.Model):
    """Exactly one of `evidence` and `run`. `content` is canonical JSON, `digest` what a later GO lists."""

    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="closings")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    content = models.TextField()
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("closing of a condition")
        verbose_name_plural = _("closings of conditions")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(evidence__isnull=True) ^ models.Q(run__isnull=True),
                name="condition_closing_has_one_proof",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.condition}"


append_only(
    ConditionClosing,
    refused_when="EXISTS (SELECT 1 FROM console_conditionconfirmation c WHERE c.condition_id = NEW.condition_id)",
    reason="the condition is closed already",
)
