"""What many tests begin with is made once in a process, by the real actions; later tests get its rows and files.

They get them only where the database and the storage hold exactly what they held when the thing was made, so it is what
would have been made. A test with real transactions, and one on another database than SQLite, makes its own.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import connection

from ledger.actions import close_live_ledger

Made = TypeVar("Made")
KEPT_MAX = 24
"""A thing that stands on something new in every test is not worth keeping."""
_Rows = dict[str, dict[int, tuple[Any, ...]]]
_Files = dict[str, tuple[int, bytes | None]]
_SEQUENCES = "sqlite_sequence"


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """What making a thing left: rows by table and number, files with their modes (None: a directory), its answer."""

    rows: _Rows
    sequences: list[tuple[Any, ...]]
    files: _Files
    answer: bytes


_kept: dict[tuple[str, str], _Copy] = {}


def prepared(name: str, make: Callable[[], Made]) -> Made:
    """What `make` answers, after everything it does to the database and to the storage."""
    if connection.vendor != "sqlite" or not connection.in_atomic_block:
        return make()
    rows, sequences, files = contents()
    there = {path: (mode, len(content or b"")) for path, (mode, content) in files.items()}
    key = name, hashlib.sha256(repr((rows, sequences, there)).encode()).hexdigest()
    if key not in _kept:
        answer = make()
        close_live_ledger()
        rows_now, sequences, files_now = contents()
        copy = _Copy(
            rows={table: _new(now, rows[table]) for table, now in rows_now.items()},
            sequences=sequences,
            files=_new(files_now, files),
            answer=pickle.dumps(answer),
        )
        if len(_kept) < KEPT_MAX:
            _kept[key] = copy
        return answer
    _put_rows(_kept[key])
    _put_files(_kept[key].files)
    return cast("Made", pickle.loads(_kept[key].answer))  # noqa: S301 - pickled above


def contents() -> tuple[_Rows, list[tuple[Any, ...]], _Files]:
    """All that the database and the storage hold: rows, the numbers given last, files."""
    return _rows(), _sequences(), _files()


def _new(now: dict[Any, Any], before: dict[Any, Any]) -> dict[Any, Any]:
    """What was added or changed; nothing that tests begin with takes anything away."""
    assert before.keys() <= now.keys()
    return {key: value for key, value in now.items() if before.get(key) != value}


def _rows() -> _Rows:
    """Every row as it is stored: an expression is no column, which the adapter would turn into Python's types."""
    found = {}
    for table in connection.introspection.table_names():
        columns = ", ".join(f'+"{column}"' for column in _columns(table))
        selected = connection.connection.execute(f'SELECT rowid, {columns} FROM "{table}"')
        found[table] = {row[0]: tuple(row[1:]) for row in selected}
    return found


def _columns(table: str) -> list[str]:
    return [row[1] for row in connection.connection.execute(f'PRAGMA table_info("{table}")')]


def _sequences() -> list[tuple[Any, ...]]:
    return sorted(connection.connection.execute(f"SELECT name, seq FROM {_SEQUENCES}"))


def _put_rows(copy: _Copy) -> None:
    """Without the triggers, which refuse rows of a run that is judged already."""
    database = connection.connection
    tables = [table for table, rows in copy.rows.items() if rows]
    triggers = _triggers_of(tables)
    for name, _ in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    for table in tables:
        columns = _columns(table)
        names = ", ".join(f'"{column}"' for column in ("rowid", *columns))
        places = ", ".join("?" * (len(columns) + 1))
        statement = f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({places})'
        database.executemany(statement, [(number, *row) for number, row in copy.rows[table].items()])
    for _, statement in triggers:
        database.execute(statement)
    database.execute(f"DELETE FROM {_SEQUENCES}")
    database.executemany(f"INSERT INTO {_SEQUENCES} VALUES (?, ?)", copy.sequences)


def _triggers_of(tables: Iterable[str]) -> list[tuple[str, str]]:
    wanted = set(tables)
    found = connection.connection.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
    return [(name, statement) for table, name, statement in found if table in wanted]


def _files() -> _Files:
    root = Path(settings.STORAGE)
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(root.rglob("*"))
    }


def _put_files(files: _Files) -> None:
    for name, (mode, content) in files.items():
        path = Path(settings.STORAGE) / name
        if content is None:
            path.mkdir(exist_ok=True)
        else:
            path.unlink(missing_ok=True)
            path.write_bytes(content)
        path.chmod(mode & 0o7777)
