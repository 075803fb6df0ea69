"""The run: a request for a set of scenarios on one build, and the computed recommendation over them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from testruns.recommendation import Recommendation
from testruns.run_states import RunState

from .build import Build
from .gate_policy import GatePolicy

STATES = [state.value for state in RunState]
WORDS = [word.value for word in Recommendation]


class Run(models.Model):
    """`frozen_at` set means: judged for good, and the triggers refuse every further change.

    `driver` names the process that executes a run without the queue (`run_live_tests`); it is empty for queued runs.
    `version` grows with every visible change, so a page can ask whether anything is new.
    """

    build = models.ForeignKey(Build, on_delete=models.PROTECT, related_name="runs")
    policy = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="runs",
        null=True,
        blank=True,
        help_text=_("Empty for a run of the command line without a person; it can never be bound to a release."),
    )
    via = models.CharField(max_length=20)
    driver = models.CharField(max_length=200, blank=True)

    profile = models.CharField(max_length=10)
    scenarios = models.JSONField()
    concurrency = models.JSONField()
    duration_seconds = models.PositiveIntegerField()
    seed = models.BigIntegerField()
    retry_injection = models.BooleanField()
    karma_available = models.BooleanField()
    anomaly_injection = models.BooleanField()
    planned_seconds = models.PositiveIntegerField()

    state = models.CharField(max_length=12, default=RunState.QUEUED.value, db_index=True)
    recommendation = models.CharField(max_length=12, blank=True)
    sentence = models.TextField(blank=True, help_text=_("Template of the sentence that explains the recommendation."))
    sentence_params = models.JSONField(default=dict, blank=True)
    missing = models.JSONField(default=list, blank=True)
    environment = models.JSONField(default=dict, blank=True)

    requested_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    manifest = models.TextField(blank=True, help_text=_("Canonical JSON whose SHA-256 is the manifest digest."))
    manifest_digest = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["version"], name="run_by_version"),  # the token of a list sums them all
            # Which runs a build has is read from the index alone: in a row 60 KB of manifest lie before the digest.
            models.Index(fields=["build", "finished_at", "requested_by", "manifest_digest"], name="run_heads_by_build"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="run_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(recommendation__in=["", *WORDS]), name="run_recommendation_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(frozen_at__isnull=True) | models.Q(finished_at__isnull=False),
                name="run_frozen_is_finished",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=RunState.JUDGED.value)
                | (models.Q(frozen_at__isnull=False) & ~models.Q(recommendation="") & ~models.Q(manifest_digest="")),
                name="run_judged_is_frozen_and_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_frozen(self) -> bool:
        """Whether nothing about this run can change any more."""
        return self.frozen_at is not None

    @property
    def is_provisional(self) -> bool:
        """Whether there is a recommendation that a further attempt could still change."""
        return bool(self.recommendation) and self.frozen_at is None
