"""That one phase opens another: the later one is blocked until the earlier one is released."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind
from console.kernel.triggers import refuse
from console.models.append_only import collides
from console.models.phase import Phase


class PhaseDependency(models.Model):
    """An edge of the roadmap: releasing `opener` opens `opened`. One that people ended stays, out of force."""

    opener = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="opens", verbose_name=_("opener"))
    opened = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="opened_by", verbose_name=_("opened"))
    is_in_force = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("phase dependency")
        verbose_name_plural = _("phase dependencies")
        ordering = ["opener__position", "opened__position"]
        constraints = [
            models.UniqueConstraint(fields=["opener", "opened"], name="phase_dependency_once"),
            models.CheckConstraint(condition=~models.Q(opener=models.F("opened")), name="phase_does_not_open_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.opener} → {self.opened}"


bind(PhaseDependency)
refuse(
    table="console_phasedependency",
    operations=("INSERT",),
    condition=collides(PhaseDependency),
    reason="is there already",
)
refuse(table="console_phasedependency", operations=("DELETE",), reason="is ended, never deleted")
