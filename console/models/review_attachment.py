"""A file a reviewer attached: evidence by its digest, bound into the review's content."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.review import Review
from testruns.models import Evidence


class ReviewAttachment(models.Model):
    """The bytes lie in the evidence store; `name` is what the reviewer called them."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="attached_to")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["review", "id"]
        constraints = [
            models.UniqueConstraint(fields=["review", "name"], name="review_attachment_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


append_only(
    ReviewAttachment,
    refused_when="EXISTS (SELECT 1 FROM console_review r WHERE r.id = NEW.review_id AND r.signed_at IS NOT NULL)",
    reason="belongs to a signed review",
)
