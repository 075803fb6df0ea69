"""Consoles for the tests of the supervisor, ended whatever a test did with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.tests.supervisor.console_process import ConsoleProcess

Start = Callable[..., ConsoleProcess]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One storage for the module: the first console prepares it, the later ones find it prepared."""
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def started() -> Iterator[list[ConsoleProcess]]:
    """Every console that was started; none outlives the module."""
    consoles: list[ConsoleProcess] = []
    yield consoles
    _end(consoles)


@pytest.fixture
def start(storage: Path, started: list[ConsoleProcess]) -> Start:
    """Start consoles on the module's storage, or on another one."""

    def begin(*, on: Path = storage, arguments: tuple[str, ...] = (), port: int = 0) -> ConsoleProcess:
        started.append(ConsoleProcess(storage=on, arguments=arguments, port=port))
        return started[-1]

    return begin


@pytest.fixture
def console(storage: Path, started: list[ConsoleProcess]) -> ConsoleProcess:
    """A console that answers on the module's storage: the one that an earlier test left running, or a new one."""
    running = [one for one in started if one.storage == storage and one.process.poll() is None]
    if not running:
        _end(started)
        started.append(ConsoleProcess(storage=storage))
    console = started[-1] if not running else running[0]
    assert console.url
    return console


@pytest.fixture
def prepared(storage: Path, started: list[ConsoleProcess]) -> Path:
    """The module's storage after a first start, with nobody working on it."""
    if not (storage / "first-login.txt").exists():
        started.append(ConsoleProcess(storage=storage))
        assert started[-1].url
    _end(started)
    return storage


def _end(consoles: list[ConsoleProcess]) -> None:
    """Kill them, and wait until nothing of them is left."""
    for console in consoles:
        console.process.kill()
        console.process.wait()
    for console in consoles:
        console.seconds_until_nothing_is_left(timeout_seconds=15)
    consoles.clear()
