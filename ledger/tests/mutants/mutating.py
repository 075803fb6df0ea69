"""Every small change of a source that could be a slip: another comparison, a statement left out, one more or less."""

from __future__ import annotations

import ast
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


class Change(NamedTuple):
    """``what`` was done in ``line``, and the whole ``source`` with it."""

    line: int
    what: str
    source: bytes


def changes_of(source: str) -> Iterator[Change]:
    """One change at a time; the source is parsed anew for each, so that none sees another."""
    for number in range(sum(1 for _ in _changed(ast.parse(source)))):
        tree = ast.parse(source)
        for index, (line, what) in enumerate(_changed(tree)):
            if index == number:
                yield Change(line, what, ast.unparse(ast.fix_missing_locations(tree)).encode())
                break


def _changed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Change one place in ``tree``, say where and what, and change it back when the next one is asked for."""
    for node in list(ast.walk(tree)):
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
            yield node.test.lineno if hasattr(node.test, "lineno") else node.lineno, "the condition is turned round"
            node.test = test
        yield from _left_out(node)


def _left_out(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls, raises and returned values of the statements directly in ``node``."""
    for body in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
        if not isinstance(body, list):
            continue
        for index, statement in enumerate(body):
            if isinstance(statement, ast.Raise) or (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            ):
                body[index] = ast.Pass()
                yield statement.lineno, f"left out: {ast.unparse(statement)[:60]}"
                body[index] = statement
            elif isinstance(statement, ast.Return) and statement.value is not None:
                value, statement.value = statement.value, None
                yield statement.lineno, f"returns None, not {ast.unparse(value)[:60]}"
                statement.value = value
