"""Database triggers that refuse to change history, even for someone who writes SQL.

A model registers its triggers where it is defined. They are dropped before a migrate that has work to do (SQLite
rebuilds tables, and a trigger whose table is gone would stop the rebuild) and installed after every migrate and
flush. `verify` compares what the database holds with what the code says, by name and by text.

Registered conditions are SQL that SQLite and PostgreSQL both read; they name the row as OLD or NEW.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

OPERATIONS = ("INSERT", "UPDATE", "DELETE")
NAME_LENGTH_MAX = 63  # PostgreSQL cuts longer identifiers silently

_registered: dict[str, Trigger] = {}


class TriggersDamaged(Exception):
    """A trigger is missing or altered, so history could be rewritten unseen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """Refuses one operation on a row of a table, always or while a condition holds."""

    name: str
    table: str
    operation: str
    condition: str | None
    reason: str

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ValueError(f"a trigger refuses one of {OPERATIONS}, not {self.operation!r}")
        if not re.fullmatch(r"[a-z0-9_]+", self.name) or len(self.name) > NAME_LENGTH_MAX:
            raise ValueError(f"{self.name!r} is no safe trigger name of at most {NAME_LENGTH_MAX} characters")
        if "'" in self.reason or "$" in self.reason or "%" in self.reason:
            raise ValueError("the reason stands in SQL and must not hold quotes, dollars or percent signs")

    @property
    def sqlite(self) -> str:
        """The statement as SQLite stores it in its schema table."""
        condition = f" WHEN {self.condition}" if self.condition else ""
        return (
            f'CREATE TRIGGER "{self.name}" BEFORE {self.operation} ON "{self.table}"{condition} '
            f"BEGIN SELECT RAISE(ABORT, '{self.table}: {self.reason}'); END"
        )

    @property
    def postgresql_body(self) -> str:
        """The body of the trigger's function; a condition stands here because WHEN takes no subquery."""
        row = "OLD" if self.operation == "DELETE" else "NEW"
        return (
            f"BEGIN IF {self.condition or 'TRUE'} THEN "
            f"RAISE EXCEPTION '{self.table}: {self.reason}' USING ERRCODE = 'integrity_constraint_violation'; "
            f"END IF; RETURN {row}; END"
        )

    @property
    def postgresql(self) -> str:
        """The statements that create function and trigger."""
        return (
            f'CREATE OR REPLACE FUNCTION "{self.name}"() RETURNS trigger LANGUAGE plpgsql '
            f"AS $${self.postgresql_body}$$; "
            f'CREATE TRIGGER "{self.name}" BEFORE {self.operation} ON "{self.table}" '
            f'FOR EACH ROW EXECUTE FUNCTION "{self.name}"()'
        )


def register(trigger: Trigger) -> None:
    """Make a trigger part of every migrated database. A name taken twice stops the import."""
    if trigger.name in _registered:
        raise ValueError(f"the trigger {trigger.name} is registered twice")
    _registered[trigger.name] = trigger


def refuse(*, table: str, operations: Iterable[str], reason: str, condition: str | None = None) -> None:
    """Register one trigger per operation that refuses it on this table, always or while the condition holds.

    The condition is SQL over the row: OLD for UPDATE and DELETE, NEW for INSERT. Example: `OLD.frozen_at IS NOT NULL`.
    """
    for operation in operations:
        name = f"{table}_refuse_{operation.lower()}"
        register(Trigger(name=name, table=table, operation=operation, condition=condition, reason=reason))


def refuse_update_delete(*, table: str, reason: str) -> None:
    """Register triggers that refuse every UPDATE and DELETE on this table."""
    refuse(table=table, operations=("UPDATE", "DELETE"), reason=reason)


def registered() -> tuple[Trigger, ...]:
    """All triggers the code asks for, sorted by name."""
    return tuple(_registered[name] for name in sorted(_registered))


def install(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Create what is missing and replace what was altered, on tables that exist. Doing it again changes nothing."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    present = _present(connection)
    with connection.cursor() as cursor:
        for trigger in registered():
            if trigger.table not in tables or present.get(trigger.name) == _wanted(trigger, connection):
                continue
            if trigger.name in present:
                cursor.execute(_drop_statement(trigger, connection))
            cursor.execute(trigger.postgresql if connection.vendor == "postgresql" else trigger.sqlite)


def drop(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Remove every registered trigger: before tables are rebuilt."""
    connection = connections[using]
    present = _present(connection)
    with connection.cursor() as cursor:
        for trigger in registered():
            if trigger.name in present:
                cursor.execute(_drop_statement(trigger, connection))


def verify(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Compare the database with the code, by name and text. Raises `TriggersDamaged` naming what is wrong."""
    connection = connections[using]
    present = _present(connection)
    wrong = [
        f"{trigger.name} is {'altered' if trigger.name in present else 'missing'}"
        for trigger in registered()
        if present.get(trigger.name) != _wanted(trigger, connection)
    ]
    if wrong:
        raise TriggersDamaged(
            "The database no longer protects its history: " + "; ".join(wrong) + ". Find out who changed it, verify "
            "the audit chain, then run `manage.py migrate` to restore the triggers."
        )


def drop_before_migrate(*, using: str, plan: list[Any], **_: Any) -> None:
    """Handler of pre_migrate: get out of the way of table rebuilds, but only when there is something to migrate."""
    if plan:
        drop(using=using)


def install_after_migrate(*, using: str, **_: Any) -> None:
    """Handler of post_migrate."""
    install(using=using)


def _wanted(trigger: Trigger, connection: BaseDatabaseWrapper) -> str:
    return trigger.postgresql_body if connection.vendor == "postgresql" else trigger.sqlite


def _present(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The triggers of the database by name, with the text that `_wanted` gives for a sound one."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT t.tgname, CASE WHEN t.tgenabled = 'O' THEN p.prosrc ELSE '' END FROM pg_trigger t "
                "JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
            )
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(cursor.fetchall())


def _drop_statement(trigger: Trigger, connection: BaseDatabaseWrapper) -> str:
    if connection.vendor == "postgresql":
        return f'DROP TRIGGER "{trigger.name}" ON "{trigger.table}"'
    return f'DROP TRIGGER "{trigger.name}"'
