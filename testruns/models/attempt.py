"""The attempt: one try of a scenario execution. A retry is a new row; nothing is overwritten."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from testruns.run_states import ExecutionState

from .evidence import Evidence
from .scenario_execution import ScenarioExecution


class Attempt(models.Model):
    """Closed once `finished_at` is set; the triggers refuse every later change.

    `exit_code` is the child's: negative is the number of the signal that ended it, empty when it never ended under
    our eyes (the lease was lost).
    """

    execution = models.ForeignKey(ScenarioExecution, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, default=ExecutionState.RUNNING.value)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    output = models.ForeignKey(Evidence, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    stderr = models.ForeignKey(Evidence, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    samples = models.ForeignKey(Evidence, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["execution", "number"]
        constraints = [
            models.UniqueConstraint(fields=["execution", "number"], name="attempt_number_is_unique_per_execution"),
            models.CheckConstraint(
                condition=models.Q(state=ExecutionState.RUNNING.value, finished_at__isnull=True)
                | models.Q(
                    state__in=[
                        ExecutionState.FINISHED.value,
                        ExecutionState.ERRORED.value,
                        ExecutionState.CANCELLED.value,
                        ExecutionState.ABANDONED.value,
                    ],
                    finished_at__isnull=False,
                ),
                name="attempt_is_running_or_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution} / {self.number}"
