"""The Django apps of the console: the human side, and the admin with its one site.

Apps become ready in every process, and few of them ask what is connected here: that is loaded by the first who asks.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from ledger.verifying.reading import Outcome
    from testruns.models import Run
    from testruns.release_context import ReleaseContext


class ConsoleAdminConfig(SimpleAdminConfig):
    """Django's admin with our site as the default one, so that every app registers on it without importing it.

    Its pages are loaded with the addresses (`console.urls`): of all processes only the web server shows them.
    """

    def ready(self) -> None:
        """Have the pages checked, once they are loaded, whenever Django is asked to check everything."""
        register(check_dependencies, Tags.admin)
        register(_check_pages, Tags.admin)

    default_site = "console.admin.site.GatehouseSite"


class ConsoleConfig(AppConfig):
    """Phases and what people decide about them. Stands last, so that its seeds find every other app migrated."""

    name = "console"
    default = True
    verbose_name = _("Phases")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the seeds to migrate, and tell the apps below what they ask of the console."""
        from console.kernel import row_binding
        from ledger.released import tell_live_snapshots
        from ledger.verifying.recording import record_live_with
        from testruns.release_context import tell_releases

        tell_releases(_context_of)
        tell_live_snapshots(_live_snapshots_are_on)
        record_live_with(_record_live_verification)
        post_migrate.connect(_plant_seeds, sender=self, dispatch_uid="console.seeds")
        post_migrate.connect(row_binding.bind_existing, sender=self, dispatch_uid="console.row_digests")


def _context_of(run: Run) -> ReleaseContext:
    from console.releases.run_context import context_of

    return context_of(run)


def _live_snapshots_are_on() -> bool:
    from console.releases.switched import live_snapshots_are_on

    return live_snapshots_are_on()


def _record_live_verification(outcome: Outcome, person: int) -> None:
    from console.actions.live_verification import record_live_verification

    record_live_verification(outcome, person)


def _plant_seeds(**signalled: Any) -> None:
    from console import seeds

    seeds.plant(**signalled)


def _check_pages(**asked: Any) -> list[CheckMessage]:
    import_module(settings.ROOT_URLCONF)
    return check_admin_app(**asked)
