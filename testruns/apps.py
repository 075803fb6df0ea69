"""The Django application of the machine side."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    """Runs, their results and their evidence. The triggers that freeze them are registered with the models."""

    name = "testruns"
    verbose_name = _("Test runs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the shipped gate policy into every migrated database."""
        from testruns.actions.policies import plant_policy

        post_migrate.connect(plant_policy, sender=self, dispatch_uid="testruns.policy")
