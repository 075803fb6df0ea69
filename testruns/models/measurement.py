"""A measurement: name, value, unit, as the child process reported it in one attempt."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from .attempt import Attempt


class Measurement(models.Model):
    """`value` is the exact decimal as text: nothing is rounded between the child and the manifest."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="measurements")
    name = models.CharField(max_length=100)
    value = models.CharField(max_length=60)
    unit = models.CharField(max_length=40)

    class Meta:
        verbose_name = _("measurement")
        verbose_name_plural = _("measurements")
        ordering = ["attempt", "name"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "name"], name="measurement_name_is_unique_per_attempt"),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value} {self.unit}"

    @property
    def decimal(self) -> Decimal:
        """The value as a number."""
        return Decimal(self.value)
