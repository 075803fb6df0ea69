"""A waiver: somebody asks that one failed rule be tolerated for one build until a day; another person answers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.phase import Phase
from testruns.models import Build, GatePolicy


class Waiver(models.Model):
    """Scope: one rule of one policy, for one phase and one build. Expired it counts for nothing."""

    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="waivers")
    build = models.ForeignKey(Build, on_delete=models.PROTECT, related_name="waivers")
    policy = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="waivers")
    rule_code = models.CharField(max_length=10)
    reason = models.TextField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waivers")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("waiver")
        verbose_name_plural = _("waivers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("requested_at")), name="waiver_expires_after_its_request"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="waiver_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"W-{self.pk} {self.rule_code}"


append_only(Waiver)
