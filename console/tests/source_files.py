"""The files of the project as Git knows them, for the tests that read the tree."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT_SUFFIXES = frozenset({".py", ".md", ".html", ".txt", ".css", ".js", ".toml", ".lock", ".po", ".svg", ""})


@cache
def tracked(*suffixes: str) -> tuple[Path, ...]:
    """Tracked files that exist, vendored ones left out; only these suffixes where some are named."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    paths = [ROOT / name for name in listed if name and "vendor" not in Path(name).parts]
    return tuple(path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes))


@cache
def text_of(path: Path) -> str:
    """The file as text; bytes that are none are replaced."""
    return path.read_text(encoding="utf-8", errors="replace")


@cache
def tree_of(path: Path) -> ast.Module:
    """The file parsed."""
    return ast.parse(text_of(path), filename=str(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of the file parsed that stands for something of its own: no operators and no contexts."""
    return tuple(node for node in ast.walk(tree_of(path)) if node._fields)


def name_of(path: Path) -> str:
    """The path as Git writes it."""
    return path.relative_to(ROOT).as_posix()


def is_test(path: Path) -> bool:
    """Whether the file belongs to a test folder or is a test configuration."""
    return "tests" in path.parts or path.name == "conftest.py"


def python_files(*, tests: bool | None = None) -> list[Path]:
    """The Python files without migrations: all, or only those in or outside of test folders."""
    files = [path for path in tracked(".py") if "migrations" not in path.parts]
    return files if tests is None else [path for path in files if is_test(path) is tests]
