"""The Django application of the machine side."""

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    """Runs, their results and their evidence. The triggers that freeze them are registered with the models."""

    name = "testruns"
    verbose_name = _("Test runs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Check the queue's settings, and put the shipped gate policy into every migrated database."""
        from testruns.actions.policies import plant_policy
        from testruns.checks import check_database, check_queue

        register(check_queue)
        register(check_database)
        post_migrate.connect(plant_policy, sender=self, dispatch_uid="testruns.policy")
