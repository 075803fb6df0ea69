"""The Django apps of the console: the human side, and the admin with its one site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConsoleAdminConfig(AdminConfig):
    """Django's admin with our site as the default one, so that every app registers on it without importing it."""

    default_site = "console.admin.site.GatehouseSite"


class ConsoleConfig(AppConfig):
    """Phases and what people decide about them. Stands last, so that its seeds find every other app migrated."""

    name = "console"
    default = True
    verbose_name = _("Phases")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the seeds to migrate, and put the console's own pages on the admin site."""
        from console import seeds
        from console.actions.live_verification import record_live_verification

        # Registered here, because the site itself must load without them.
        from console.admin import audit, home, notifications, people, releases, tokens  # noqa: F401
        from console.kernel import row_binding
        from console.releases.run_context import context_of
        from console.releases.switched import live_snapshots_are_on
        from ledger.released import tell_live_snapshots
        from ledger.verifying.starting import record_live_with
        from testruns.reports import tell_releases

        tell_releases(context_of)
        tell_live_snapshots(live_snapshots_are_on)
        record_live_with(record_live_verification)
        post_migrate.connect(seeds.plant, sender=self, dispatch_uid="console.seeds")
        post_migrate.connect(row_binding.bind_existing, sender=self, dispatch_uid="console.row_digests")
