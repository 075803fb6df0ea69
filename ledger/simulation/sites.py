"""Every place where the engine calls its env, found in its source, and which of them a simulation has reached."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import ledger.engine
from ledger.engine.env import Env

_ENGINE = Path(ledger.engine.__file__).parent
_CALLS = frozenset(name for name in vars(Env) if not name.startswith("_"))
_RECEIVERS = ("env", "_env")


class Site(NamedTuple):
    """One call in the engine's source: the file, the line and column where its text ends, and what is called."""

    file: str
    line: int
    column: int
    call: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.call}"


def all_sites() -> frozenset[Site]:
    """Every call of a method of Env on something that is called env."""
    return frozenset(
        Site(path.name, node.end_lineno or 0, node.end_col_offset or 0, node.func.attr)
        for path in _ENGINE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _CALLS
        and _name_of(node.func.value) in _RECEIVERS
    )


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def site_of_call(call: str) -> Site | None:
    """The site that makes the env call that is running in this thread; None if it is not the engine that calls."""
    frame = sys._getframe(1)
    while True:
        place = _place(frame.f_code, frame.f_lasti)
        if place is not None:
            return Site(*place, call)
        if frame.f_back is None:
            return None
        frame = frame.f_back


@cache
def _place(code: CodeType, at: int) -> tuple[str, int, int] | None:
    """(file, line, column) where the call ends that this bytecode makes, None outside of the engine."""
    path = Path(code.co_filename)
    if path.parent != _ENGINE or path.name == "env.py":
        return None
    _, line, _, column = list(code.co_positions())[at // 2]
    return path.name, line or 0, column or 0
