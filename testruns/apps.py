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
        """Check the queue's settings, plant the shipped gate policy, and begin every worker of the queue tidily."""
        from django_q.signals import post_spawn

        from console.kernel.verification import add_check
        from testruns.actions.policies import plant_policy
        from testruns.actions.verifying import wrong_runs
        from testruns.checks import check_database, check_queue
        from testruns.tasks import begin_worker

        add_check(wrong_runs)
        register(check_queue)
        register(check_database)
        post_migrate.connect(plant_policy, sender=self, dispatch_uid="testruns.policy")
        post_spawn.connect(begin_worker, dispatch_uid="testruns.begin_worker")
