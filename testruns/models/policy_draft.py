"""The draft of a gate policy: what people want to change about the active one, until a second person activates it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind
from testruns.draft_states import DraftState

from .gate_policy import GatePolicy

OPEN_STATES = [state.value for state in DraftState if state.is_open]


class PolicyDraft(models.Model):
    """`content` is canonical JSON like that of a policy and `digest` its SHA-256; both are fixed once submitted.

    `version` grows with every change, so that nobody overwrites what they have not seen. `policy` is what became of
    an activated draft.
    """

    code = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    base = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="drafts")
    content = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default=DraftState.EDITING.value)
    version = models.PositiveIntegerField(default=1)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text=_("Why it was withdrawn."))
    policy = models.OneToOneField(GatePolicy, on_delete=models.PROTECT, related_name="draft", null=True, blank=True)

    class Meta:
        verbose_name = _("policy draft")
        verbose_name_plural = _("policy drafts")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in DraftState]), name="policy_draft_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(state__in=OPEN_STATES), name="policy_draft_one_open_per_code"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=OPEN_STATES) | models.Q(closed_at__isnull=False, closed_by__isnull=False),
                name="policy_draft_closed_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state=DraftState.ACTIVATED.value, policy__isnull=False)
                | (~models.Q(state=DraftState.ACTIVATED.value) & models.Q(policy__isnull=True)),
                name="policy_draft_activated_has_a_policy",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.number}"

    @property
    def is_open(self) -> bool:
        """Whether it can still become a policy."""
        return DraftState(self.state).is_open


bind(PolicyDraft)
