"""A certificate: the signed envelope of a decision that released something."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.decision import Decision


class Certificate(models.Model):
    """`envelope` is the exact text that is handed out; `digest` the SHA-256 of the statement in it, which was signed.

    `vsa` is the envelope of the verification summary: of a GO only, empty for CONDITIONAL. `key_id` names the key.
    """

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="certificate")
    digest = models.CharField(max_length=64, unique=True)
    envelope = models.TextField()
    vsa = models.TextField(blank=True)
    key_id = models.CharField(max_length=64)
    issued_at = models.DateTimeField()

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.decision}"


append_only(Certificate)
