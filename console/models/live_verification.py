"""One verification of the live journal: how many events, up to which head, sound or not."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only


class LiveVerification(models.Model):
    """`detail` lists what was found, as plain JSON texts (`testruns.wording`); empty when sound."""

    at = models.DateTimeField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    events = models.PositiveBigIntegerField()
    head = models.CharField(max_length=64, help_text=_("Hash of the last event, empty for a journal without any."))
    is_sound = models.BooleanField()
    detail = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("verification of the live journal")
        verbose_name_plural = _("verifications of the live journal")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


append_only(LiveVerification)
