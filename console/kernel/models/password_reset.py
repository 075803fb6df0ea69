"""A new first password for a person: one administrator proposes it, a second person confirms it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from console.kernel.models.person import Person
from console.kernel.row_digests import bind
from console.kernel.triggers import refuse

TABLE = "kernel_passwordreset"


class PasswordReset(models.Model):
    """Takes effect when it is confirmed. Each of the two people sees half of the password, the owner gets both.

    The halves follow from `seed` and the secret key of the installation; no row holds one.
    """

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="password_resets"
    )
    seed = models.CharField(_("seed"), max_length=64)
    proposed_by = models.ForeignKey(Person, verbose_name=_("proposed by"), on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    confirmed_by = models.ForeignKey(
        Person, verbose_name=_("confirmed by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    ended_by = models.ForeignKey(
        Person, verbose_name=_("withdrawn by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    ended_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta:
        db_table = TABLE
        verbose_name = _("password reset")
        verbose_name_plural = _("password resets")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(confirmed_at__isnull=True, ended_at__isnull=True),
                name="password_reset_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True)
                | (~Q(confirmed_by=F("proposed_by")) & ~Q(confirmed_by=F("person"))),
                name="password_reset_confirmed_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, ended_at__isnull=True),
                name="password_reset_confirmation_whole",
            ),
            models.CheckConstraint(
                condition=Q(ended_by__isnull=True, ended_at__isnull=True)
                | Q(ended_by__isnull=False, ended_at__isnull=False),
                name="password_reset_end_whole",
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.confirmed_at is None and self.ended_at is None


bind(PasswordReset)
refuse(table=TABLE, operations=("DELETE",), reason="a reset is withdrawn, never deleted")
refuse(
    table=TABLE,
    operations=("UPDATE",),
    condition=(
        "OLD.ended_at IS NOT NULL OR OLD.confirmed_at IS NOT NULL OR OLD.person_id <> NEW.person_id "
        "OR OLD.seed <> NEW.seed OR OLD.proposed_by_id <> NEW.proposed_by_id OR OLD.proposed_at <> NEW.proposed_at"
    ),
    reason="keeps who proposed it and is history once it was confirmed or withdrawn",
)
