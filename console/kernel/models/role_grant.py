"""A role given to a person: who proposed it, how they knew the person, who confirmed it, who ended it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from console.kernel.authority import ROLE_LABELS, Role
from console.kernel.models.person import Person
from console.kernel.row_digests import bind
from console.kernel.triggers import refuse

TABLE = "kernel_rolegrant"
ALONE = (Role.AUDITOR,)  # reads and nothing more: granted without a second person


class RoleGrant(models.Model):
    """Holds from its confirmation to its end. Without a proposer it was made at installation."""

    person = models.ForeignKey(Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(
        _("role"), max_length=20, choices=[(role.value, label) for role, label in ROLE_LABELS.items()]
    )
    verified_how = models.TextField(
        _("how the identity was verified"),
        blank=True,
        help_text=_("For example: passport seen, known in person for years, staff directory."),
    )
    proposed_by = models.ForeignKey(
        Person, verbose_name=_("proposed by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    confirmed_by = models.ForeignKey(
        Person, verbose_name=_("confirmed by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    ended_by = models.ForeignKey(
        Person, verbose_name=_("ended by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta:
        db_table = TABLE
        verbose_name = _("role of a person")
        verbose_name_plural = _("roles of people")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "role"], condition=Q(ended_at__isnull=True), name="role_grant_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="role_grant_role_known"),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True)
                | Q(role__in=[role.value for role in ALONE])
                | (~Q(confirmed_by=F("proposed_by")) & ~Q(confirmed_by=F("person"))),
                name="role_grant_confirmed_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True, confirmed_by__isnull=True, confirmed_at__isnull=False)
                | Q(proposed_by__isnull=False, confirmed_by__isnull=False, confirmed_at__isnull=False)
                | Q(proposed_by__isnull=False, confirmed_by__isnull=True, confirmed_at__isnull=True),
                name="role_grant_confirmation_whole",
            ),
            models.CheckConstraint(
                condition=Q(ended_by__isnull=True, ended_at__isnull=True)
                | Q(ended_by__isnull=False, ended_at__isnull=False),
                name="role_grant_end_whole",
            ),
        ]

    @property
    def is_standing(self) -> bool:
        """Whether the role counts now."""
        return self.confirmed_at is not None and self.ended_at is None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.confirmed_at is None and self.ended_at is None

    @property
    def was_done_alone(self) -> bool:
        """Whether nobody but the proposer, or the installation, stood behind it."""
        return self.confirmed_at is not None and self.confirmed_by_id == self.proposed_by_id


bind(RoleGrant)
refuse(table=TABLE, operations=("DELETE",), reason="a role is ended, never deleted")
refuse(
    table=TABLE,
    operations=("UPDATE",),
    condition=(
        "OLD.ended_at IS NOT NULL OR OLD.person_id <> NEW.person_id OR OLD.role <> NEW.role "
        "OR OLD.verified_how <> NEW.verified_how OR OLD.proposed_at <> NEW.proposed_at "
        "OR COALESCE(OLD.proposed_by_id, 0) <> COALESCE(NEW.proposed_by_id, 0) "
        "OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_at IS NULL OR OLD.confirmed_at <> NEW.confirmed_at "
        "OR COALESCE(OLD.confirmed_by_id, 0) <> COALESCE(NEW.confirmed_by_id, 0)))"
    ),
    reason="keeps who proposed and confirmed it, and is history once it ended",
)
