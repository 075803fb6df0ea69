"""Switching a capability on or off: an act on record; the newest one of a capability says how it stands."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.decision import Decision


class CapabilityAct(models.Model):
    """`decision` is the standing release that allowed switching it on."""

    capability = models.CharField(max_length=40, db_index=True)
    is_on = models.BooleanField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="capability_acts"
    )
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        verbose_name = _("act on a capability")
        verbose_name_plural = _("acts on capabilities")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_on=False) | models.Q(decision__isnull=False),
                name="capability_on_names_its_release",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.capability} {'on' if self.is_on else 'off'}"


append_only(CapabilityAct)
