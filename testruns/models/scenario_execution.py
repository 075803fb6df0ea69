"""The scenario execution: one scenario of a run at one level of concurrency; what the queue executes."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from testruns.gates.verdicts import Verdict
from testruns.run_states import ExecutionState

from .run import Run

STATES = [state.value for state in ExecutionState]
VERDICTS = [verdict.value for verdict in Verdict if verdict is not Verdict.WAIVED]


class ScenarioExecution(models.Model):
    """The row is the truth; a queue message only says "look at this row".

    `lease_owner` names the process that holds the lease (see `testruns.actions.leases`), `heartbeat_at` when it was
    last heard of. `samples` holds at most 600 points for the charts; every sample is in the attempt's evidence.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="executions")
    position = models.PositiveIntegerField()
    scenario = models.CharField(max_length=50)
    concurrency = models.PositiveIntegerField()
    planned_seconds = models.PositiveIntegerField()
    disk_bytes = models.PositiveBigIntegerField()

    state = models.CharField(max_length=12, default=ExecutionState.QUEUED.value, db_index=True)
    verdict = models.CharField(max_length=12, blank=True)
    progress_ppm = models.PositiveIntegerField(default=0)
    progress_text = models.CharField(max_length=200, blank=True)
    attempt_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    samples = models.JSONField(default=list, blank=True)
    opened = models.JSONField(default=dict, blank=True)
    journal_head = models.JSONField(null=True, blank=True)

    queued_at = models.DateTimeField(default=timezone.now)
    messaged_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the queue was last told about this execution.")
    )
    lease_owner = models.CharField(max_length=200, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    pid_started_ticks = models.PositiveBigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("scenario execution")
        verbose_name_plural = _("scenario executions")
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="execution_position_is_unique_per_run"),
            models.UniqueConstraint(
                fields=["run", "scenario", "concurrency"], name="execution_is_one_per_scenario_and_level"
            ),
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="execution_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["", *VERDICTS]), name="execution_verdict_is_known_and_never_waived"
            ),
            models.CheckConstraint(
                condition=models.Q(progress_ppm__lte=1_000_000), name="execution_progress_within_a_million"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[ExecutionState.LEASED.value, ExecutionState.RUNNING.value])
                | (~models.Q(lease_owner="") & models.Q(heartbeat_at__isnull=False)),
                name="execution_active_has_a_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scenario} ({self.concurrency})"
