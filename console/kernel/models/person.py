"""A person who can sign in; deactivated when they leave, never deleted, so that what they signed keeps its name."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.authority import Role
from console.kernel.row_digests import bind
from console.kernel.triggers import refuse

TABLE = "kernel_person"


class Person(AbstractUser):
    """Someone with a login. What they may do follows from the roles that were granted to them and confirmed.

    Django's groups, permissions and staff flag decide nothing here.
    """

    printed_name = models.CharField(
        _("printed name"),
        max_length=150,
        blank=True,
        help_text=_("The full name as it stands in reports and signatures."),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=[("en", "English"), ("de", "Deutsch")],
        help_text=_("The language of the screens. Empty: what the browser asks for."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("The zone in which the screens say times, by its IANA name. Empty: nobody has chosen one."),
    )
    password_is_own = models.BooleanField(
        _("password is their own"),
        default=False,
        help_text=_("False while the password was chosen by the installation or an administrator."),
    )

    class Meta:
        db_table = TABLE
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["username"]

    def __str__(self) -> str:
        return self.printed_name or self.username

    @property
    def roles(self) -> frozenset[Role]:
        """The roles this person holds now, read from the database on every call."""
        standing = self.grants.filter(confirmed_at__isnull=False, ended_at__isnull=True)
        return frozenset(Role(role) for role in standing.values_list("role", flat=True))

    def check_password(self, raw_password: str | None) -> bool:
        """Compare, and never store the password anew in passing: the row changes through actions alone."""
        return check_password(raw_password, self.password)


bind(Person, leaving_out=("last_login", "language", "time_zone"))
refuse(table=TABLE, operations=("DELETE",), reason="people are deactivated, never deleted")
refuse(
    table=TABLE,
    operations=("UPDATE",),
    condition="OLD.username <> NEW.username",
    reason="a username belongs to one person for ever",
)
