"""Rows that are bound to the audit chain by a digest, so that an edit by somebody with SQL access is found and named.

A model asks for it where it is defined: `bind(SignOff)`. An action that writes such a row hands it to `audit.record`
(`rows=`), which keeps its digest in the entry. `wrong_rows` compares the rows as they are with the last digest that
the chain holds of each. Columns that change without being history (a last sign-in) are left out.

Rows that were there before their model was bound, or before it had a field more, are taken into the chain once, by
`row_binding` after a migrate; the entry says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.db import connection, models

from ledger import digest_of

ACT_BOUND = "rows.bound"

_left_out: dict[str, frozenset[str]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongRow:
    """A row that is not what the chain says. `what` is "altered", "missing" or "unknown"; `index` of the last entry."""

    row: str
    index: int
    what: str


def bind(model: type[models.Model], *, leaving_out: Iterable[str] = ()) -> None:
    """Bind every row of this model to the chain, without the fields that are left out."""
    _left_out[model._meta.label] = frozenset(leaving_out)


def bound() -> tuple[type[models.Model], ...]:
    """The bound models, by name."""
    return tuple(apps.get_model(label) for label in sorted(_left_out))


def fields_of(model: type[models.Model]) -> list[str]:
    """The columns that the digest of a row covers."""
    left_out = _left_out[model._meta.label]
    return sorted(field.attname for field in model._meta.concrete_fields if field.name not in left_out)


def digests_of(rows: Iterable[models.Model]) -> dict[str, str]:
    """`table:key` and digest of each row as the database holds it now."""
    found = {}
    for row in rows:
        model = type(row)
        values = model._base_manager.filter(pk=row.pk).values(*fields_of(model)).get()
        found[name_of(model, row.pk)] = _digest(values)
    return found


def wrong_rows() -> Iterator[WrongRow]:
    """Rows that were altered, removed or added past the chain, by the fields that the chain says it covers."""
    known, fields = _known_rows(), covered_fields()
    for model in bound():
        table = model._meta.db_table
        of_table = {name: known.pop(name) for name in [name for name in known if name.split(":")[0] == table]}
        key = model._meta.pk.attname
        columns = {key, *fields.get(table, fields_of(model))} & {one.attname for one in model._meta.concrete_fields}
        for values in model._base_manager.order_by(key).values(*columns).iterator(chunk_size=500):
            name = name_of(model, values[key])
            digest, index = of_table.pop(name, ("", 0))
            if not index:
                yield WrongRow(row=name, index=0, what="unknown")
            elif digest != _digest(values):
                yield WrongRow(row=name, index=index, what="altered")
        for name, (_digest_then, index) in of_table.items():
            yield WrongRow(row=name, index=index, what="missing")


def count_rows() -> int:
    """How many rows are bound."""
    return sum(model._base_manager.count() for model in bound())


def is_migrated(model: type[models.Model]) -> bool:
    """Whether the database has the model's table as the code knows it: a migrate may also go back."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} LIMIT 0")  # noqa: S608 - a model's own table
        columns = {column[0] for column in cursor.description}
    return {field.column for field in model._meta.concrete_fields} <= columns


def _entries() -> type[models.Model]:
    """The audit entries; the module of their model imports this one."""
    return apps.get_model("kernel", "AuditEntry")


def covered_fields() -> dict[str, list[str]]:
    """The fields of each table that its rows' digests cover, as the chain says."""
    entries = _entries()._default_manager.filter(act=ACT_BOUND, outcome="done").order_by("index")
    covered: dict[str, list[str]] = {}
    for after in entries.values_list("after", flat=True):
        covered |= _mapping_in(after, "fields")
    return covered


def _known_rows() -> dict[str, tuple[str, int]]:
    """The last digest that the chain holds of each row, and the index of its entry."""
    known: dict[str, tuple[str, int]] = {}
    entries = _entries()._default_manager.filter(outcome="done", after__contains='"rows":{').order_by("index")
    for index, after in entries.values_list("index", "after").iterator(chunk_size=500):
        known |= {name: (digest, index) for name, digest in _mapping_in(after, "rows").items()}
    return known


def _mapping_in(after: str, key: str) -> dict[str, Any]:
    """A mapping that an entry holds; one that was tampered with has none, and is named by the walk over the chain."""
    try:
        found = json.loads(after).get(key, {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def name_of(model: type[models.Model], key: Any) -> str:
    """How the chain names a row: `table:key`."""
    return f"{model._meta.db_table}:{key}"


def _digest(values: dict[str, Any]) -> str:
    return digest_of({name: _plain(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
