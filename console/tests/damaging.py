"""Rows of a run that hold what no code of ours ever wrote, as a console meets them that was started since."""

from __future__ import annotations

from django.core.cache import cache
from django.db import connection

from console.releases import evidence
from testruns.actions import overlaying
from testruns.models import Run


def damage(table: str, column: str, value: str, *, run: Run) -> None:
    """Write what no code of ours would: past the triggers and the checks of the database."""
    key = "id" if table == "run" else "run_id"
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [f"testruns_{table}"])
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(f"UPDATE testruns_{table} SET {column} = %s WHERE {key} = %s", [value, run.pk])
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    cache.clear()
    evidence._frozen.clear()
    overlaying._frozen_run.cache_clear()
