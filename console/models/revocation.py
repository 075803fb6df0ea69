"""The revocation of a release: a supervisor takes a decision back, with a reason."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.decision import Decision


class Revocation(models.Model):
    """The decision and its certificate stay; from `at` on they release nothing."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="revocation")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="revocation_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.decision}"


append_only(Revocation)
