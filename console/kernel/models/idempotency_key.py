"""A key under which a client or a form sent a request, and the answer to it when it is sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.models.person import Person

KEPT = timedelta(days=1)
_REMOVED_AT_ONCE = 100


class IdempotencyKey(models.Model):
    """`status` and answer are written together with the effect. A client's is claimed in a transaction before that; a
    form's (`posted_once`) in this one, with a digest of its values in `key` and the number of a row as `body`.
    """

    person = models.ForeignKey(Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="+")
    method = models.CharField(_("method"), max_length=10)
    route = models.CharField(_("route"), max_length=200)
    key = models.CharField(_("key"), max_length=128)
    fingerprint = models.CharField(_("fingerprint of the request"), max_length=64)
    claimed_at = models.DateTimeField(_("claimed at"), db_index=True)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    headers = models.TextField(_("headers"), blank=True)
    body = models.TextField(_("body"), blank=True)

    class Meta:
        db_table = "kernel_idempotencykey"
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["person", "method", "route", "key"], name="idempotency_key_once")
        ]

    @classmethod
    def forget_old(cls, *, now: datetime) -> None:
        """Remove some of those that are older than `KEPT`; each new one does it, so that they do not grow in number."""
        old = cls.objects.filter(claimed_at__lt=now - KEPT).values_list("pk", flat=True)[:_REMOVED_AT_ONCE]
        cls.objects.filter(pk__in=list(old)).delete()
