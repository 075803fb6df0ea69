"""A comment on a release request, in a thread."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.release_request import ReleaseRequest


class ReviewComment(models.Model):
    """What somebody said; `reply_to` makes the thread. Nobody changes it afterwards, not even its author."""

    request = models.ForeignKey(ReleaseRequest, on_delete=models.PROTECT, related_name="comments")
    reply_to = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replies")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="review_comments")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="review_comment_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.request} C{self.pk}"


append_only(ReviewComment)
