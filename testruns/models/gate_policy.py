"""The gate policy: one version of the thresholds, content-addressed; at most one per code is active."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class GatePolicy(models.Model):
    """`content` is the canonical JSON text whose SHA-256 is `digest`; both never change."""

    code = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    content = models.TextField()
    is_active = models.BooleanField(default=False)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("gate policy")
        verbose_name_plural = _("gate policies")
        ordering = ["code", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["code", "number"], name="gate_policy_number_is_unique_per_code"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(is_active=True), name="gate_policy_one_active_per_code"
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(activated_at__isnull=False),
                name="gate_policy_active_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.number}"
