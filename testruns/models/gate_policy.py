"""The gate policy: one version of the thresholds, content-addressed; at most one per code is active."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind


class GatePolicy(models.Model):
    """`content` is the canonical JSON text whose SHA-256 is `digest`; both never change.

    A policy is activated once and never again: going back is a new policy with a new number. `edited_by` is whoever
    edited it last; empty, like `activated_by`, for what came with the installation.
    """

    code = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    content = models.TextField()
    is_active = models.BooleanField(default=False)
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

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
            models.CheckConstraint(
                condition=models.Q(activated_by__isnull=True) | ~models.Q(activated_by=models.F("edited_by")),
                name="gate_policy_takes_two_people",
            ),
        ]

    def __str__(self) -> str:
        """What came with the installation is called so; what people made is not."""
        if self.edited_by_id is None:
            return f"{self.code} {self.number}"
        return gettext("policy %(key)s") % {"key": self.number}


bind(GatePolicy)
