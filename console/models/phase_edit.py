"""A proposed definition of a phase, and the answer to it by which it comes into force or is given up."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.phase import Phase


class PhaseEdit(models.Model):
    """`content` is the canonical JSON of a `PhaseDefinition`, `digest` its SHA-256; numbers are never used twice."""

    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="edits")
    number = models.PositiveIntegerField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("edit of a phase")
        verbose_name_plural = _("edits of phases")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["phase", "number"], name="phase_edit_number_once_per_phase"),
        ]

    def __str__(self) -> str:
        return f"{self.phase} {self.number}"


class PhaseEditAnswer(models.Model):
    """One per edit: activated by another person than the one who proposed it, or withdrawn with a reason."""

    edit = models.OneToOneField(PhaseEdit, on_delete=models.PROTECT, related_name="answer")
    is_activated = models.BooleanField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name = _("answer to an edit of a phase")
        verbose_name_plural = _("answers to edits of phases")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_activated=True) | ~models.Q(reason=""), name="phase_edit_withdrawn_with_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edit}"


append_only(PhaseEdit)
append_only(
    PhaseEditAnswer,
    refused_when=(
        "NEW.is_activated AND EXISTS (SELECT 1 FROM console_phaseedit e WHERE e.id = NEW.edit_id "
        "AND e.proposed_by_id = NEW.answered_by_id)"
    ),
    reason="comes into force by another person than the one who proposed it",
)
