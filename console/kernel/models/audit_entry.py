"""One entry of the audit chain: what was done or refused, by whom, bound to the entry before it by hash."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.triggers import refuse, refuse_update_delete

TABLE = "kernel_auditentry"


class AuditEntry(models.Model):
    """An act that was done or refused. No key to live rows, so that it outlives what it speaks of."""

    class Outcome(models.TextChoices):
        """Whether the act took effect."""

        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    index = models.PositiveBigIntegerField(_("index"), primary_key=True)
    at = models.DateTimeField(_("at"))
    actor = models.CharField(_("actor"), max_length=200)
    actor_name = models.CharField(_("name of the actor"), max_length=200)
    via = models.CharField(_("via"), max_length=20)
    act = models.CharField(_("act"), max_length=80)
    object = models.CharField(_("object"), max_length=200, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    code = models.CharField(_("code of the refusal"), max_length=80, blank=True)
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)
    previous_hash = models.CharField(_("previous hash"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    class Meta:
        db_table = TABLE
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-index"]
        indexes = [models.Index(fields=["act", "index"], name="audit_entry_by_act")]
        constraints = [
            models.UniqueConstraint(fields=["previous_hash"], name="audit_entry_chain_does_not_fork"),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["done", "refused"]), name="audit_entry_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.index} {self.act} {self.outcome}"


refuse_update_delete(table=TABLE, reason="the audit chain is only ever appended to")
# Append at the end only. A REPLACE deletes the rows it collides with without firing their DELETE trigger, so both
# columns it could collide on are looked at before.
refuse(
    table=TABLE,
    operations=("INSERT",),
    condition=(
        'NEW."index" <> (SELECT COALESCE(MAX("index"), 0) + 1 FROM kernel_auditentry) '
        "OR EXISTS (SELECT 1 FROM kernel_auditentry WHERE previous_hash = NEW.previous_hash)"
    ),
    reason="an entry is appended after the last one",
)
