"""Taking the audit trail out of the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.models import AuditEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class TrailExport:
    """The entries that go out, in their order, and the head of the chain they came from."""

    entries: QuerySet[AuditEntry]
    head: audit.Head


@action(Act.EXPORT_AUDIT, target="audit:{form}")
def export_audit(*, actor: Actor, form: str, entries: QuerySet[AuditEntry], filters: Mapping[str, str]) -> TrailExport:
    """Put on record that these entries leave the console, and hand them out. What comes later is not among them."""
    head = audit.head()
    kept = entries.filter(index__lte=head.index).order_by("index")
    audit.record(
        actor=actor,
        act=Act.EXPORT_AUDIT,
        object=f"audit:{form}",
        after={"count": kept.count(), "filters": dict(filters), "head": {"index": head.index, "hash": head.hash}},
    )
    return TrailExport(entries=kept, head=head)
