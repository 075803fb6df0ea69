"""A phase: a step of the roadmap that may be released."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Phase(models.Model):
    """A step of the roadmap. Earlier ones are in use without a release on record; the others wait for one."""

    class State(models.TextChoices):
        """Whether the phase is in use. What a release says about it is computed, not stored."""

        ACTIVE = "ACTIVE", _("active")
        BLOCKED = "BLOCKED", _("blocked")

    code = models.CharField(_("code"), max_length=20, unique=True)
    title = models.CharField(_("title"), max_length=200, help_text=_("English; screens translate it."))
    position = models.PositiveSmallIntegerField(_("position"), unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)

    class Meta:
        verbose_name = _("phase")
        verbose_name_plural = _("phases")
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=["ACTIVE", "BLOCKED"]), name="phase_state_known"),
        ]

    def __str__(self) -> str:
        return self.code
