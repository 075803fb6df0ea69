"""Rows that are only ever added: no UPDATE, no DELETE, and no INSERT that would take the place of a row."""

from __future__ import annotations

from django.db import models

from console.kernel.row_digests import bind
from console.kernel.triggers import refuse, refuse_update_delete

REASON = "is history and cannot be changed or deleted"


def append_only(model: type[models.Model], *, refused_when: str | None = None, reason: str = REASON) -> None:
    """Register the triggers of such a table, and bind its rows to the audit chain.

    `refused_when`: SQL over NEW that also refuses an INSERT.
    SQLite's INSERT OR REPLACE deletes the rows it collides with without firing their DELETE trigger, so every column
    it could collide on is looked at before.
    """
    table = model._meta.db_table
    conditions = [collides(model), *([f"({refused_when})"] if refused_when else [])]
    bind(model)
    refuse_update_delete(table=table, reason=REASON)
    refuse(table=table, operations=("INSERT",), condition=" OR ".join(conditions), reason=reason)


def collides(model: type[models.Model]) -> str:
    """SQL that is true for a NEW row that has the key or a unique value of a row that is there."""
    options = model._meta
    keys: list[tuple[str, ...]] = [(field.name,) for field in options.local_fields if field.unique]
    keys += [
        tuple(constraint.fields)
        for constraint in options.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None
    ]
    column_of = {field.name: field.column for field in options.local_fields}
    columns = [[column_of[name] for name in key] for key in keys]
    same = " OR ".join("(" + " AND ".join(f"kept.{name} = NEW.{name}" for name in key) + ")" for key in columns)
    return f"EXISTS (SELECT 1 FROM {options.db_table} kept WHERE {same})"  # noqa: S608 - names of our own columns
