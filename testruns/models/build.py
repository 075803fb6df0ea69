"""The build: what a run judges, named by commit and by the digest of its source tree."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Build(models.Model):
    """One state of the source; two runs on the same bytes share one row.

    Of a build that ran elsewhere only name and commit are known.
    """

    name = models.CharField(max_length=200)
    commit = models.CharField(max_length=64, blank=True, help_text=_("Git commit, empty where there is no repository."))
    tree_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text=_("SHA-256 over the source files themselves, empty where only results were brought from elsewhere."),
    )
    is_clean = models.BooleanField(help_text=_("Whether the source tree matched its commit."))
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("build")
        verbose_name_plural = _("builds")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "commit", "tree_digest", "is_clean"], name="build_is_one_row_per_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.commit[:12] or self.tree_digest[:12]}"
