"""Sections of the one AdminSite: the journal browser with read-only pages, and the approvals that wait for people."""

from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from console.kernel.doors import Page, Section, View, add_section
from ledger.admin import approvals, verification, views
from ledger.admin.damage import saying_damage


def _read(view: View) -> View:
    return require_safe(saying_damage(view))


add_section(
    Section(
        code="journal",
        title=gettext_lazy("Journal"),
        icon="journal",
        url_name="admin:journal_events",
        order=30,
        pages=(
            Page(route="journal/", view=_read(views.events), name="journal_events"),
            Page(route="journal/event/<int:seq>/", view=_read(views.event), name="journal_event"),
            Page(route="journal/streams/", view=_read(views.streams), name="journal_streams"),
            Page(route="journal/accounts/", view=_read(views.accounts), name="journal_accounts"),
            Page(route="journal/account/", view=_read(views.account), name="journal_account"),
            Page(route="journal/verification/", view=verification.verification, name="journal_verification"),
            Page(route="journal/leave-read-only/", view=views.leave, name="journal_leave_read_only"),
        ),
    )
)

__all__ = ["approvals", "verification", "views"]
