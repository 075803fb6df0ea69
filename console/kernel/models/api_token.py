"""A token with which a program acts for a person, and what is remembered of signed requests."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from console.kernel.models.person import Person
from console.kernel.row_digests import bind
from console.kernel.scopes import Scope
from console.kernel.tokens import signing_secret
from console.kernel.triggers import refuse

TABLE = "kernel_apitoken"


class ApiToken(models.Model):
    """Counts from its creation until it expires or is revoked. Without a service it was made by its person."""

    person = models.ForeignKey(Person, verbose_name=_("acts for"), on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(_("name"), max_length=100, help_text=_("Where it is used, for example: CI of the ledger."))
    is_service = models.BooleanField(_("of a service"), default=False)
    prefix = models.CharField(_("prefix"), max_length=8, unique=True)
    digest = models.CharField(_("digest"), max_length=64)
    scopes = models.CharField(_("scopes"), max_length=200)
    is_signed_only = models.BooleanField(_("signed requests only"), default=False)
    created_by = models.ForeignKey(Person, verbose_name=_("made by"), on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    replaces = models.OneToOneField(
        "self", verbose_name=_("replaces"), on_delete=models.PROTECT, related_name="replaced_by", null=True
    )
    revoked_by = models.ForeignKey(
        Person, verbose_name=_("revoked by"), on_delete=models.PROTECT, related_name="+", null=True
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    class Meta:
        db_table = TABLE
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="api_token_expires_after_creation"
            ),
            models.CheckConstraint(
                condition=Q(revoked_by__isnull=True, revoked_at__isnull=True)
                | Q(revoked_by__isnull=False, revoked_at__isnull=False),
                name="api_token_revocation_whole",
            ),
            models.CheckConstraint(
                condition=Q(is_service=True) | Q(created_by=F("person")), name="api_token_own_or_of_a_service"
            ),
        ]

    @property
    def scope_set(self) -> frozenset[Scope]:
        """What it may be used for."""
        return frozenset(Scope(scope) for scope in self.scopes.split())

    @property
    def signing_secret(self) -> str:
        """The second secret, with which its holder signs requests; it is kept nowhere."""
        return signing_secret(prefix=self.prefix, key=settings.SECRET_KEY)


class UsedNonce(models.Model):
    """A nonce of a signed request, kept while its timestamp would still be accepted."""

    token = models.ForeignKey(ApiToken, verbose_name=_("token"), on_delete=models.PROTECT, related_name="+")
    nonce = models.CharField(_("nonce"), max_length=64)
    used_at = models.DateTimeField(_("used at"), db_index=True)

    class Meta:
        db_table = "kernel_usednonce"
        verbose_name = _("used nonce")
        verbose_name_plural = _("used nonces")
        constraints = [models.UniqueConstraint(fields=["token", "nonce"], name="used_nonce_once")]


bind(ApiToken, leaving_out=("last_used_at",))
refuse(table=TABLE, operations=("DELETE",), reason="a token is revoked, never deleted")
refuse(
    table=TABLE,
    operations=("UPDATE",),
    condition=(
        "OLD.person_id <> NEW.person_id OR OLD.prefix <> NEW.prefix OR OLD.digest <> NEW.digest "
        "OR OLD.scopes <> NEW.scopes OR OLD.is_service <> NEW.is_service "
        "OR OLD.is_signed_only <> NEW.is_signed_only OR OLD.created_by_id <> NEW.created_by_id "
        "OR OLD.created_at <> NEW.created_at OR OLD.expires_at <> NEW.expires_at "
        "OR (OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS NULL OR OLD.revoked_at <> NEW.revoked_at))"
    ),
    reason="keeps whom it acts for and what it opens, and stays revoked",
)
