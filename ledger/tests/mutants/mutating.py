"""Every small change of a source that could be a slip: another comparison, a statement left out, one more or less.

Left out are kinds that no run can tell from the original: annotations and what stands in a decorator (they say what
mypy and the dataclass machinery must refuse, not what the engine does), texts (docstrings and messages are never
changed), and a ``return None`` that would return None.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
}
_NOT_RUN = {"annotation", "decorator_list", "returns"}


class Change(NamedTuple):
    """``what`` was done in ``line``, and the whole ``source`` with it.

    ``name`` stays when lines move. ``first`` to ``last`` are the lines of the statement; ``function`` is empty where
    it runs when the module is imported.
    """

    name: str
    line: int
    first: int
    last: int
    function: str
    source: bytes


class _Place(NamedTuple):
    inside: tuple[str, ...]
    function: str
    first: int
    last: int


def changes_of(source: str) -> Iterator[Change]:
    """One change at a time; each is taken back before the next one."""
    tree, lines = ast.parse(source), source.splitlines()
    places = dict(_places(tree, _Place((), "", 1, 1)))
    names: Counter[str] = Counter()
    for line, what, place in _changed(tree, places):
        name = f"{place.function}: {what}: {lines[line - 1].strip()[:60]}"
        names[name] += 1
        if names[name] > 1:
            name += f" ({names[name]})"
        changed = ast.unparse(ast.fix_missing_locations(tree)).encode()
        yield Change(name, line, place.first, place.last, place.function, changed)


def _places(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Where everything stands that runs. Of a statement with others inside, its lines are those in front of them."""
    yield node, place
    for field, value in ast.iter_fields(node):
        if field in _NOT_RUN:
            continue
        inside, function = place.inside, place.function
        if field == "body" and isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = (*inside, node.name)
            function = "" if isinstance(node, ast.ClassDef) else ".".join(inside)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.stmt):
                inner = getattr(child, "body", None)
                last = max(child.lineno, inner[0].lineno - 1) if inner else child.end_lineno or child.lineno
                yield from _places(child, _Place(inside, function, child.lineno, last))
            elif isinstance(child, ast.AST):
                yield from _places(child, place)


def _changed(tree: ast.Module, places: dict[ast.AST, _Place]) -> Iterator[tuple[int, str, _Place]]:
    """Change one place in ``tree``, say where and what, and change it back when the next one is asked for."""
    for node in places:
        for line, what in _changed_here(node):
            yield line, what, places[node]
        for statement, what in _left_out(node):
            yield statement.lineno, what, places[statement]


def _changed_here(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        old = node.ops[0]
        node.ops[0] = _COMPARISONS[type(old)]()
        yield node.lineno, f"{type(old).__name__} becomes {type(node.ops[0]).__name__}"
        node.ops[0] = old
    elif isinstance(node, ast.BoolOp):
        before = node.op
        node.op = ast.Or() if isinstance(before, ast.And) else ast.And()
        yield node.lineno, f"{type(before).__name__} becomes {type(node.op).__name__}"
        node.op = before
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        operator = node.op
        node.op = _OPERATIONS[type(operator)]()
        yield node.lineno, f"{type(operator).__name__} becomes {type(node.op).__name__}"
        node.op = operator
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        value = node.value
        node.value = not value if isinstance(value, bool) else value + 1
        yield node.lineno, f"{value} becomes {node.value}"
        node.value = value
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.BoolOp):
        test = node.test
        node.test = test.operand if isinstance(test, ast.UnaryOp) else ast.UnaryOp(op=ast.Not(), operand=test)
        yield test.lineno, "the condition is turned round"
        node.test = test


def _left_out(node: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Calls, raises and returned values of the statements directly in ``node``."""
    for body in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
        if not isinstance(body, list):
            continue
        for index, statement in enumerate(body):
            if isinstance(statement, ast.Raise) or (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            ):
                body[index] = ast.copy_location(ast.Pass(), statement)
                yield statement, "left out"
                body[index] = statement
            elif isinstance(statement, ast.Return) and not _is_none(statement.value):
                value, statement.value = statement.value, None
                yield statement, "returns None"
                statement.value = value


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
