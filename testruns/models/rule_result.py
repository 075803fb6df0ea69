"""The verdict of one rule over one run, with expected, actual, margin and every source."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .run import Run
from .scenario_execution import VERDICTS


class RuleResult(models.Model):
    """Numbers are decimal text, exactly as judged; `sources` lists each reading that was considered."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="rule_results")
    code = models.CharField(max_length=10)
    gate = models.CharField(max_length=2)
    severity = models.CharField(max_length=10)
    verdict = models.CharField(max_length=12)
    operator = models.CharField(max_length=10)
    expected = models.CharField(max_length=60)
    blocking = models.CharField(max_length=60, blank=True)
    actual = models.CharField(max_length=60, blank=True, help_text=_("Empty when nothing was measured."))
    margin = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=40)
    is_blocking = models.BooleanField(help_text=_("Whether this result alone asks for NO_GO."))
    question = models.TextField()
    reason = models.TextField(blank=True, help_text=_("Template of the sentence; the numbers are beside it."))
    reason_params = models.JSONField(default=dict, blank=True)
    sources = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("rule result")
        verbose_name_plural = _("rule results")
        ordering = ["run", "code"]
        constraints = [
            models.UniqueConstraint(fields=["run", "code"], name="rule_result_is_one_per_run_and_rule"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=VERDICTS), name="rule_result_verdict_is_never_waived"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.verdict}"
