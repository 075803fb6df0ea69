"""A review: what a reviewer wrote about the evidence of one request. A draft until signed, then unchangeable."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind
from console.kernel.triggers import refuse
from console.models.append_only import collides
from console.models.release_request import ReleaseRequest
from console.release_states import Outcome

TABLE = "console_review"


class Review(models.Model):
    """`content` is the canonical JSON of everything below it, `digest` its SHA-256; both grow with each draft.

    `manifest_digest` names the evidence. JSON lists: findings {severity, text, where, root_cause, impact, mitigation,
    owner, status}, requirements {code, requirement, target, actual, gap}, risks {text, state}, run_answers
    {run, answer}, proposed_conditions {text, kind, due_days, closing_rule}.
    """

    request = models.ForeignKey(ReleaseRequest, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    manifest_digest = models.CharField(max_length=64)
    scope = models.TextField()
    criteria = models.TextField(blank=True)
    findings = models.JSONField(default=list, blank=True)
    requirements = models.JSONField(default=list, blank=True)
    risks = models.JSONField(default=list, blank=True)
    run_answers = models.JSONField(default=list, blank=True)
    readiness = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("0 to 10."))
    computed_verdict = models.CharField(max_length=12)
    proposed_conditions = models.JSONField(default=list, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    content = models.TextField()
    digest = models.CharField(max_length=64)
    saved_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty for a draft."))
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "reviewer"],
                condition=models.Q(signed_at__isnull=True),
                name="review_one_draft_per_reviewer",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["", *(outcome.value for outcome in Outcome)]),
                name="review_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(readiness__isnull=True) | models.Q(readiness__lte=10),
                name="review_readiness_is_0_to_10",
            ),
            models.CheckConstraint(
                condition=models.Q(signed_at__isnull=True)
                | (~models.Q(outcome="") & models.Q(readiness__isnull=False)),
                name="review_signed_is_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} R{self.pk}"


bind(Review)
refuse(table=TABLE, operations=("UPDATE",), condition="OLD.signed_at IS NOT NULL", reason="is signed")
_DRAFT = (
    "SELECT 1 FROM console_review r "
    "WHERE r.request_id = NEW.request_id AND r.reviewer_id = NEW.reviewer_id AND r.signed_at IS NULL"
)
refuse(
    table=TABLE,
    operations=("INSERT",),
    condition=f"{collides(Review)} OR EXISTS ({_DRAFT})",
    reason="is one draft per reviewer",
)
refuse(table=TABLE, operations=("DELETE",), reason="is history and cannot be deleted")
