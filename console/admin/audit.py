"""The audit entries, read-only: who did or was refused what, each bound to the one before it by hash."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.actions.exports import export_audit
from console.admin.audit_export import FORMS
from console.admin.audit_links import digests_in, linked_sentence, object_url
from console.admin.audit_sentences import AREAS, object_words, was_done_alone
from console.admin.words import DOORS
from console.kernel.audit import SYSTEM_ACTOR, SYSTEM_NAME
from console.kernel.doors import ReadOnlyAdmin, Section, actor_of, add_section
from console.kernel.models import AuditEntry, Person
from console.templatetags.gatehouse import ago, moment, status, word

add_section(
    Section(
        code="audit",
        title=gettext_lazy("Audit"),
        icon="audit",
        url_name="admin:kernel_auditentry_changelist",
        order=50,
    )
)


class AreaFilter(admin.SimpleListFilter):
    """What the entries speak of."""

    title = gettext_lazy("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, _(label)) for code, (label, _acts) in AREAS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        area = AREAS.get(self.value() or "")
        return queryset.filter(act__in=list(area[1])) if area else queryset


class WhoFilter(admin.SimpleListFilter):
    """Who acted: everybody who ever had a login, and the console itself."""

    title = gettext_lazy("person")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = [(f"user:{person.pk}", str(person)) for person in Person.objects.order_by("printed_name", "username")]
        return [*people, (SYSTEM_ACTOR, SYSTEM_NAME)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        who = self.value()
        return queryset.filter(Q(actor=who) | Q(actor__endswith=f":{who}")) if who else queryset  # also by token


class PeriodFilter(admin.SimpleListFilter):
    """How far back."""

    title = gettext_lazy("period")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", _("last 24 hours")), ("7", _("last 7 days")), ("30", _("last 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        days = {"1", "7", "30"} & {self.value() or ""}
        return queryset.filter(at__gte=timezone.now() - timedelta(days=int(days.pop()))) if days else queryset


class ViaFilter(admin.SimpleListFilter):
    """Through which door: a page, the API, a command, or nobody's."""

    title = gettext_lazy("way")
    parameter_name = "via"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(via, str(door.text)) for via, door in DOORS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(via=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """A list with filters, search and export, and a page per entry with what changed."""

    change_list_template = "console/audit_list.html"
    list_display = ("shown_index", "shown_at", "shown_sentence", "shown_outcome", "shown_via")
    list_display_links = ("shown_index",)
    list_filter = (AreaFilter, WhoFilter, PeriodFilter, "outcome", ViaFilter)
    search_fields = ("act", "object", "actor", "actor_name", "code", "after")
    explanation = gettext_lazy(
        "Every change and every refusal, in the order it happened. Entries are bound to each other by hash; "
        "the database refuses to change or delete them."
    )

    def get_urls(self) -> list[URLPattern]:
        """The export before Django's own addresses, of which only reading is left."""
        export = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("export/<str:form>/", export, name="kernel_auditentry_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The entries that the list's filters in this address leave, as a file; the export is itself an entry."""
        if form not in FORMS:
            raise Http404
        entries = self.get_changelist_instance(request).get_queryset(request)
        filters = {name: str(value)[:200] for name, value in request.GET.items()}
        export = export_audit(actor=actor_of(request), form=form, entries=entries, filters=filters)
        media_type, lines = FORMS[form]
        name = f"audit-{export.head.index}-{export.head.hash[:12]}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(
            lines(export.entries.iterator(chunk_size=500)), content_type=media_type, headers=headers
        )

    @admin.display(description=gettext_lazy("Index"), ordering="index")
    def shown_index(self, entry: AuditEntry) -> str:
        """The place in the chain, without separators."""
        return str(entry.index)

    @admin.display(description=gettext_lazy("Time"), ordering="at")
    def shown_at(self, entry: AuditEntry) -> SafeString:
        """When, in the reader's zone, and how long ago."""
        return format_html('{} <span class="small muted">{}</span>', moment(entry.at), ago(entry.at))

    @admin.display(description=gettext_lazy("What happened"))
    def shown_sentence(self, entry: AuditEntry) -> SafeString:
        """Who did what to what, and the act's own name."""
        alone = (
            format_html(' <span class="badge tone-unsure">{}</span>', _("done alone")) if was_done_alone(entry) else ""
        )
        return format_html(
            '<span class="break">{}</span>{} <code class="muted small">{}</code>',
            linked_sentence(entry),
            alone,
            entry.act,
        )

    @admin.display(description=gettext_lazy("Outcome"), ordering="outcome")
    def shown_outcome(self, entry: AuditEntry) -> SafeString:
        """Done or refused, with the code of the refusal."""
        outcome = status("outcome", entry.outcome)
        return format_html("{} <code>{}</code>", outcome, entry.code) if entry.code else outcome

    @admin.display(description=gettext_lazy("Through"), ordering="via")
    def shown_via(self, entry: AuditEntry) -> str:
        """The door that the act came through."""
        return word("door", entry.via)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One entry: who, what, before and after, and its place in the chain."""
        entry = get_object_or_404(AuditEntry, pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Audit entry %(index)s") % {"index": entry.index},
            "entry": entry,
            "sentence": linked_sentence(entry),
            "object": object_words(entry.object),
            "object_url": object_url(entry.object),
            "digests": digests_in(entry),
            "earlier": _beside(entry.index - 1),
            "later": _beside(entry.index + 1),
            "is_alone": was_done_alone(entry),
            "before": _readable(entry.before),
            "after": _readable(entry.after),
        }
        return TemplateResponse(request, "console/audit_entry.html", context)

    def _unknown_choices(self, request: HttpRequest) -> list[str]:
        known = {
            kind.parameter_name: {code for code, _label in kind.lookups(None, request, self)}  # type: ignore[arg-type]
            for kind in (AreaFilter, WhoFilter, PeriodFilter, ViaFilter)
        }
        unknown = [name for name, choices in known.items() if name in request.GET and request.GET[name] not in choices]
        return unknown + super()._unknown_choices(request)


def _beside(index: int) -> int | None:
    """The key of the entry at this place in the chain."""
    return AuditEntry.objects.filter(index=index).values_list("pk", flat=True).first()


def _readable(content: str) -> str:
    """The stored canonical JSON with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False) if content else ""
    except ValueError:
        return content
