"""A condition of a CONDITIONAL release: what must be done, by whom, by when, and what closes it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.decision import Decision
from console.release_states import ClosingRule, ConditionKind


class Condition(models.Model):
    """Open after `due_date` (a day that ends at midnight UTC) it lets the release lapse by itself."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="conditions")
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    kind = models.CharField(max_length=12)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conditions")
    due_date = models.DateField()
    closing_rule = models.CharField(max_length=12)

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["decision", "number"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "number"], name="condition_number_once_per_decision"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in ConditionKind]), name="condition_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(closing_rule__in=[rule.value for rule in ClosingRule]),
                name="condition_closing_rule_is_known",
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="condition_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} C{self.number}"


append_only(Condition)
