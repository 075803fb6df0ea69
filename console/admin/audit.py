"""The audit entries, read-only: who did or was refused what, each bound to the one before it by hash."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.kernel.doors import ReadOnlyAdmin, Section, add_section
from console.kernel.models import AuditEntry
from console.templatetags.gatehouse import moment, status

add_section(
    Section(
        code="audit",
        title=gettext_lazy("Audit"),
        icon="audit",
        url_name="admin:kernel_auditentry_changelist",
        order=50,
    )
)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """A list with search, and a page per entry with what changed."""

    list_display = ("shown_index", "shown_at", "actor_name", "act", "object", "shown_outcome", "via")
    list_display_links = ("shown_index",)
    list_filter = ("outcome", "via")
    search_fields = ("act", "object", "actor", "actor_name", "code")
    explanation = gettext_lazy(
        "Every change and every refusal, in the order it happened. Entries are bound to each other by hash; "
        "the database refuses to change or delete them."
    )

    @admin.display(description=gettext_lazy("Index"), ordering="index")
    def shown_index(self, entry: AuditEntry) -> str:
        """The place in the chain, without separators."""
        return str(entry.index)

    @admin.display(description=gettext_lazy("Time"), ordering="at")
    def shown_at(self, entry: AuditEntry) -> SafeString:
        """When, in the reader's zone."""
        return moment(entry.at)

    @admin.display(description=gettext_lazy("Outcome"), ordering="outcome")
    def shown_outcome(self, entry: AuditEntry) -> SafeString:
        """Done or refused, with the code of the refusal."""
        word = status("outcome", entry.outcome)
        return format_html("{} <code>{}</code>", word, entry.code) if entry.code else word

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One entry: who, what, before and after, and its place in the chain."""
        entry = get_object_or_404(AuditEntry, pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Audit entry %(index)s") % {"index": entry.index},
            "entry": entry,
            "before": _readable(entry.before),
            "after": _readable(entry.after),
        }
        return TemplateResponse(request, "console/audit_entry.html", context)


def _readable(content: str) -> str:
    """The stored canonical JSON with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False) if content else ""
    except ValueError:
        return content
