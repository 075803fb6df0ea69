"""A person who can sign in; deactivated when they leave, never deleted, so that what they signed keeps its name."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.authority import Role
from console.kernel.triggers import refuse

TABLE = "kernel_person"


class Person(AbstractUser):
    """Someone with a login. What they may do follows from their roles, which are Django groups."""

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
        known = {role.value for role in Role}
        names = self.groups.values_list("name", flat=True)
        return frozenset(Role(name) for name in names if name in known)


refuse(table=TABLE, operations=("DELETE",), reason="people are deactivated, never deleted")
