"""A finding: something a person should read, made by the judge for each failed rule and as a remark."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from testruns.gates.remarks import NOISE

from .run import Run


class Finding(models.Model):
    """One per failed rule of a run; a remark has its own word in the place of a rule's code."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="findings")
    rule_code = models.CharField(max_length=10)
    severity = models.CharField(max_length=10)
    what = models.TextField(help_text=_("Template of the sentence; the numbers are beside it."))
    what_params = models.JSONField(default=dict, blank=True)
    impact = models.TextField()
    where = models.TextField()

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["run", "rule_code"]
        constraints = [
            models.UniqueConstraint(fields=["run", "rule_code"], name="finding_is_one_per_run_and_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_code} {self.severity}"

    @property
    def is_of_a_rule(self) -> bool:
        """Whether a rule stands behind it; a remark has none."""
        return self.rule_code != NOISE
