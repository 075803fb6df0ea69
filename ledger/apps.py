"""The Django application around the ledger: no tables, no rules; where the live journal is, and the doors to it."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from console.kernel.checks import INSTALLATION


class LedgerConfig(AppConfig):
    """The credit ledger."""

    name = "ledger"
    verbose_name = _("Credit ledger")

    def ready(self) -> None:
        """Look at the live journal's place whenever Django checks itself."""
        from ledger.checks import check_live_journal

        register(check_live_journal, INSTALLATION)
