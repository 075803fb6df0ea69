"""How many wrong passwords came from one source for one person, while they still count."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.models.person import Person


class WrongPasswords(models.Model):
    """A counter, not a record: each wrong password has its audit entry, this row goes with the right one."""

    person = models.ForeignKey(Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="+")
    source = models.CharField(_("source"), max_length=64, blank=True)
    count = models.PositiveSmallIntegerField(_("count"))
    since = models.DateTimeField(_("since"))

    class Meta:
        db_table = "kernel_wrongpasswords"
        verbose_name = verbose_name_plural = _("wrong passwords")
        constraints = [
            models.UniqueConstraint(fields=["person", "source"], name="wrong_passwords_once_per_person_and_source")
        ]
