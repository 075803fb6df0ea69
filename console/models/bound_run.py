"""A run a release request rests on: every run of the build that a person stands behind, red ones too."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.release_request import ReleaseRequest
from testruns.models import Run


class BoundRun(models.Model):
    """`is_deciding`: one of the newest full runs in a row. `needs_answer`: the review must say something about it."""

    request = models.ForeignKey(ReleaseRequest, on_delete=models.PROTECT, related_name="bound_runs")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="bound_in")
    is_deciding = models.BooleanField()
    needs_answer = models.BooleanField()

    class Meta:
        verbose_name = _("bound run")
        verbose_name_plural = _("bound runs")
        ordering = ["request", "-run"]
        constraints = [
            models.UniqueConstraint(fields=["request", "run"], name="bound_run_once_per_request"),
            models.CheckConstraint(
                condition=models.Q(is_deciding=False) | models.Q(needs_answer=False),
                name="bound_run_decides_or_is_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.run}"


append_only(BoundRun)
