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


@pytest.fixture
def start(storage: Path) -> Iterator[Start]:
    """Start consoles on the module's storage, or on another one."""
    started: list[ConsoleProcess] = []

    def begin(*, on: Path = storage, arguments: tuple[str, ...] = (), port: int = 0) -> ConsoleProcess:
        console = ConsoleProcess(storage=on, arguments=arguments, port=port)
        started.append(console)
        return console

    yield begin
    for console in started:
        console.process.kill()
        console.process.wait()
    for console in started:
        console.seconds_until_nothing_is_left(timeout_seconds=15)
