"""A phase: a step of the roadmap that may be released."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind
from console.kernel.triggers import refuse
from console.models.append_only import collides
from console.phase_definition import SHIPPED_CHECKS


def shipped_checks() -> list[str]:
    """The checks that a phase begins with."""
    return [check.value for check in SHIPPED_CHECKS]


class Phase(models.Model):
    """A step of the roadmap. Earlier ones are in use without a release on record; the others wait for one.

    `number`, title, description, `checks` and the dependencies in force are its definition, which two people change
    together (`PhaseEdit`); `edited_by` proposed the one in force, nobody the one of the installation.
    """

    class State(models.TextChoices):
        """Whether the phase is in use. What a release says about it is computed, not stored."""

        ACTIVE = "ACTIVE", _("active")
        BLOCKED = "BLOCKED", _("blocked")

    code = models.CharField(_("code"), max_length=20, unique=True)
    title = models.CharField(_("title"), max_length=200, help_text=_("English; screens translate it."))
    description = models.TextField(_("description"), blank=True)
    number = models.PositiveIntegerField(default=1)
    checks = models.JSONField(default=shipped_checks, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
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


bind(Phase)
refuse(table="console_phase", operations=("INSERT",), condition=collides(Phase), reason="is there already")
refuse(table="console_phase", operations=("DELETE",), reason="belongs to the roadmap and is never deleted")
refuse(
    table="console_phase",
    operations=("UPDATE",),
    condition="OLD.code <> NEW.code OR OLD.state <> NEW.state",
    reason="keeps its code, and no phase is put in use past a release",
)
