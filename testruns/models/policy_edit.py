"""An edit of a draft: who changed what. Whoever stands here cannot activate the policy it became."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind

from .policy_draft import PolicyDraft


class PolicyEdit(models.Model):
    """`changes` lists {"what", "before", "after"}: a rule's code and field, or the name of a value."""

    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="edits")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    changes = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("edit of a policy draft")
        verbose_name_plural = _("edits of policy drafts")
        ordering = ["draft", "id"]

    def __str__(self) -> str:
        return f"{self.draft} · {self.person}"


bind(PolicyEdit)
