"""Evidence: a file named by its own SHA-256. The row is the index, the bytes lie in `storage/evidence`."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Evidence(models.Model):
    """Nothing here is ever changed or deleted; the same bytes stored twice are one row."""

    digest = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=100)
    stored_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["-stored_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"), name="evidence_digest_is_sha256"
            ),
        ]

    def __str__(self) -> str:
        return self.digest
