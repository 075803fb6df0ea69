"""The Django application of the machine side."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    """Registers the models, the triggers that freeze what was judged, and the shipped gate policy."""

    name = "testruns"
    verbose_name = _("Test runs")
    default_auto_field = "django.db.models.BigAutoField"
