"""The verdict of one gate over one run."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .run import Run
from .scenario_execution import VERDICTS


class GateResult(models.Model):
    """`worst_rule` is the code of the rule that decided the verdict, empty when the gate has no rule."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="gate_results")
    gate = models.CharField(max_length=2)
    verdict = models.CharField(max_length=12)
    worst_rule = models.CharField(max_length=10, blank=True)

    class Meta:
        verbose_name = _("gate result")
        verbose_name_plural = _("gate results")
        ordering = ["run", "gate"]
        constraints = [
            models.UniqueConstraint(fields=["run", "gate"], name="gate_result_is_one_per_run_and_gate"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=VERDICTS), name="gate_result_verdict_is_never_waived"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gate} {self.verdict}"
