"""Read-only pages of what runs rest on: gate policies, builds and evidence."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.kernel.doors import ReadOnlyAdmin, Section, add_section
from testruns.gates.policy import from_json
from testruns.gates.registry import GATES
from testruns.models import GatePolicy

add_section(
    Section(
        code="policies",
        title=gettext_lazy("Rules"),
        icon="policy",
        url_name="admin:testruns_gatepolicy_changelist",
        order=40,
    )
)


@admin.register(GatePolicy)
class GatePolicyAdmin(ReadOnlyAdmin):
    """Policies: which rules, thresholds and values runs are judged under."""

    list_display = ("code", "number", "is_active", "activated_at", "digest")
    explanation = gettext_lazy(
        "A run stores the digest of the policy it was judged under and is never judged again in silence. "
        "A changed threshold is a new policy with a new number."
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The rules of one policy, gate by gate, with their help."""
        row = get_object_or_404(GatePolicy, pk=object_id)
        policy = from_json(row.content)
        gates = [(GATES[code], [rule for rule in policy.rules if rule.gate == code]) for code in policy.gates]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Policy %(code)s %(number)s") % {"code": row.code, "number": row.number},
            "row": row,
            "values": sorted(policy.as_json()["values"].items()),
            "gates": gates,
        }
        return TemplateResponse(request, "testruns/policy.html", context)
