"""Taking the rows of newly bound or changed models into the audit chain, after a migrate."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model

from console.kernel import audit
from console.kernel.models import AuditEntry
from console.kernel.row_digests import (
    ACT_BOUND,
    bound,
    covered_fields,
    fields_of,
    is_migrated,
    name_of,
    wrong_rows,
)

_PART = 500  # rows in one entry


def bind_existing(**_: Any) -> None:
    """Handler of post_migrate: take the rows of newly bound or changed models into the chain, once.

    A row that was not what the chain said before its model changed is not taken in, and so stays a finding.
    """
    models: tuple[type[Model], ...] = (AuditEntry, *bound())
    if not all(is_migrated(model) for model in models):
        return
    with transaction.atomic():
        covered = covered_fields()
        new = {table: model for model in bound() if covered.get(table := model._meta.db_table) != fields_of(model)}
        if not new:
            return
        wrong = {one.row for one in wrong_rows() if one.row.split(":")[0] in covered}
        rows = [
            row
            for table, model in sorted(new.items())
            for row in model._base_manager.order_by("pk")
            if name_of(model, row.pk) not in wrong
        ]
        after = {"fields": {table: fields_of(model) for table, model in new.items()}, "count": len(new)}
        for start in range(0, max(len(rows), 1), _PART):
            part = rows[start : start + _PART]
            audit.record(actor=None, act=ACT_BOUND, object="", after=after, rows=part)
