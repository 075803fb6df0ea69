"""Which evidence belongs to which run, and in what role."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .attempt import Attempt
from .evidence import Evidence
from .run import Run
from .scenario_execution import ScenarioExecution


class RunEvidence(models.Model):
    """`role` is output, samples or stderr for an attempt, environment for the run itself."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="evidence")
    execution = models.ForeignKey(
        ScenarioExecution, on_delete=models.PROTECT, null=True, blank=True, related_name="evidence"
    )
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, null=True, blank=True, related_name="evidence")
    role = models.CharField(max_length=20)
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="bindings")

    class Meta:
        verbose_name = _("evidence of a run")
        verbose_name_plural = _("evidence of runs")
        ordering = ["run", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "role"],
                condition=models.Q(attempt__isnull=False),
                name="run_evidence_is_one_per_attempt_and_role",
            ),
            models.UniqueConstraint(
                fields=["run", "role"],
                condition=models.Q(attempt__isnull=True),
                name="run_evidence_is_one_per_run_and_role",
            ),
            models.CheckConstraint(
                condition=models.Q(attempt__isnull=True, execution__isnull=True)
                | models.Q(attempt__isnull=False, execution__isnull=False),
                name="run_evidence_attempt_names_its_execution",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.evidence_id}"
