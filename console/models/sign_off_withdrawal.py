"""The withdrawal of a sign-off: a new record, the signature itself stays."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.sign_off import SignOff


class SignOffWithdrawal(models.Model):
    """Who took their signature back, when and why. A decision is not withdrawn but revoked."""

    sign_off = models.OneToOneField(SignOff, on_delete=models.PROTECT, related_name="withdrawal")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("withdrawal of a sign-off")
        verbose_name_plural = _("withdrawals of sign-offs")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.sign_off}"


append_only(
    SignOffWithdrawal,
    refused_when="EXISTS (SELECT 1 FROM console_decision d WHERE d.sign_off_id = NEW.sign_off_id)",
    reason="a decision is revoked, not withdrawn",
)
