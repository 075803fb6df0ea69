"""The Django application of the machine side.

Apps become ready in every process, and few of them ask what is connected here: that is loaded by the first who asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from console.kernel.checks import INSTALLATION

if TYPE_CHECKING:
    from console.kernel.verification import Finding


class RunsConfig(AppConfig):
    """Runs, their results and their evidence. The triggers that freeze them are registered with the models."""

    name = "testruns"
    verbose_name = _("Test runs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Check the queue's settings, plant the shipped gate policy, and begin every worker of the queue tidily."""
        from django_q.signals import post_spawn

        from console.kernel.verification import add_check

        add_check(_wrong_runs)
        register(_check_settings, INSTALLATION)
        post_migrate.connect(_plant_policy, sender=self, dispatch_uid="testruns.policy")
        post_spawn.connect(_begin_worker, dispatch_uid="testruns.begin_worker")


def _wrong_runs() -> Iterator[Finding]:
    from testruns.actions.verifying import wrong_runs

    return wrong_runs()


def _check_settings(**asked: Any) -> list[CheckMessage]:
    from testruns.checks import check_database, check_queue

    return [*check_queue(**asked), *check_database(**asked)]


def _plant_policy(*, using: str, **_: Any) -> None:
    from testruns.actions.policies import plant_policy

    plant_policy(using=using)


def _begin_worker(**_: Any) -> None:
    from testruns.worker import begin_worker

    begin_worker()
