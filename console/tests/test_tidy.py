"""The house stays tidy: what a reviewer would say about every file, said by a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from console.tests.source_files import TEXT_SUFFIXES, name_of, nodes_of, python_files, text_of, tracked, tree_of

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 60
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented yet|for now)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$~-])/(work|home|root|Users)/")
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links", re.IGNORECASE)
VAGUE = re.compile(r"(^|_)(managers?|helpers?|utils?|misc|info)(_|$)", re.IGNORECASE)
MOCKS = {"Mock", "MagicMock", "AsyncMock", "patch", "create_autospec"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_matching(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """`file:line text` of every line that matches, this file left out."""
    return [
        f"{name_of(path)}:{number} {line.strip()[:100]}"
        for path in paths
        if path != Path(__file__)
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def functions_in(path: Path) -> Iterator[Function]:
    """Every function of a file, nested ones included."""
    return (node for node in nodes_of(path) if isinstance(node, Function))


def test_functions() -> list[tuple[Path, Function]]:
    """Every test function of the project."""
    return [
        (path, function)
        for path in python_files(tests=True)
        if path.name.startswith("test_")
        for function in functions_in(path)
        if function.name.startswith("test_") and path != Path(__file__)
    ]


test_functions.__test__ = False  # type: ignore[attr-defined]  # a list of tests, not one of them


def test_nothing_says_that_it_is_unfinished() -> None:
    """What is committed is meant."""
    assert lines_matching(UNFINISHED, [path for path in tracked() if path.suffix in TEXT_SUFFIXES]) == []


def test_nothing_names_a_place_on_somebodys_machine() -> None:
    """The project works wherever it is cloned."""
    assert lines_matching(MACHINE_PATH, [path for path in tracked() if path.suffix in TEXT_SUFFIXES]) == []


def test_no_package_source_is_written_down() -> None:
    """Locks, project file and Makefile name no registry: everybody installs from the source they trust."""
    places = [path for path in tracked() if path.suffix == ".lock" or path.name in {"pyproject.toml", "Makefile"}]

    assert len(places) == 4
    assert lines_matching(ADDRESS, places) == []


def test_every_locked_package_is_pinned_by_hash() -> None:
    """A package without a hash would be whatever the registry hands out that day."""
    for path in tracked(".lock"):
        packages = re.split(r"\n(?=[a-zA-Z0-9])", text_of(path))
        assert [p.splitlines()[0] for p in packages if "==" in p and "--hash=sha256:" not in p] == []


def test_files_are_of_a_length_one_can_read() -> None:
    """Split where the idea splits."""
    assert {
        name_of(path): count for path in python_files() if (count := text_of(path).count("\n")) > FILE_LINES_MAX
    } == {}


def test_functions_are_of_a_length_one_can_read() -> None:
    """Most are under fifteen lines; none is over this."""
    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in python_files()
        for function in functions_in(path)
        if (function.end_lineno or 0) - function.lineno >= FUNCTION_LINES_MAX
    ] == []


def test_every_file_says_what_it_is_for() -> None:
    """The first thing in a file is its purpose."""
    assert [
        name_of(path) for path in python_files() if text_of(path).strip() and ast.get_docstring(tree_of(path)) is None
    ] == []


def test_names_say_what_things_are() -> None:
    """No file, class or function is called a manager, a helper, a util, misc or info."""
    files = [name_of(path) for path in python_files() if VAGUE.search(path.stem)]
    names = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in python_files()
        for node in nodes_of(path)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and VAGUE.search(_with_underscores(node.name))
    ]

    assert files + names == []


def test_no_class_outside_tests_looks_like_a_test() -> None:
    """pytest would try to collect it."""
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files(tests=False)
        for node in nodes_of(path)
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    ] == []


def test_test_files_hold_tests_and_tests_live_in_test_files() -> None:
    """A file called test_… without a test, or a test elsewhere, would never fail."""
    wrong = []
    for path in python_files(tests=True):
        has_tests = any(function.name.startswith("test_") for function in functions_in(path))
        if path.name.startswith("test_") != has_tests and path.name != "source_files.py":
            wrong.append(name_of(path))

    assert wrong == []


def test_tests_are_sentences_with_a_promise() -> None:
    """At least three words in the name, and a docstring."""
    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path, function in test_functions()
        if function.name.count("_") < 3 or ast.get_docstring(function) is None
    ] == []


def test_every_test_can_fail() -> None:
    """Each asserts something, itself or through a function that is called after what it checks."""
    telling = re.compile(
        r"\bassert\b|\braises\(|\brefuses\(|\bexpect\(|\b_?(assert|check|verify|require|wait)_|\bverify\(|run_state_machine|fail\("
    )

    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path, function in test_functions()
        if not telling.search(ast.unparse(function))
    ] == []


def test_tests_neither_sleep_nor_mock_nor_are_switched_off() -> None:
    """They wait for conditions, use the real parts, and run. Programs that a test starts may sleep: their part."""
    wrong = []
    for path in (path for path in python_files(tests=True) if path.name.startswith(("test_", "conftest"))):
        for call in (node for node in nodes_of(path) if isinstance(node, ast.Call)):
            called = ast.unparse(call.func)
            last = called.rsplit(".", 1)[-1]
            if called in {"time.sleep", "sleep"} or last in MOCKS or re.search(r"mark\.(skip|xfail)$", called):
                wrong.append(f"{name_of(path)}:{call.lineno} {called}")

    assert wrong == []


def test_no_error_is_swallowed_whole() -> None:
    """`except Exception: pass` hides what nobody has thought of."""
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        for node in nodes_of(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
    ] == []


def _with_underscores(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
