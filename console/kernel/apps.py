"""The Django app of the kernel: connects triggers to migrations and sign-ins to the audit chain."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class KernelConfig(AppConfig):
    """People, authority and audit, under the label `kernel`."""

    name = "console.kernel"
    label = "kernel"
    verbose_name = _("People and audit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the handlers: triggers around every migrate, audit entries of sign-ins."""
        from console.kernel import audit, governance_journal, sign_ins, triggers

        audit.after_commit(governance_journal.relay)
        pre_migrate.connect(triggers.drop_before_migrate, dispatch_uid="kernel.triggers.drop")
        post_migrate.connect(triggers.install_after_migrate, dispatch_uid="kernel.triggers.install")
        sign_ins.connect()
