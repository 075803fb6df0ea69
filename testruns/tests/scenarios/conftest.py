"""Playing scenarios: each in a child process and a directory of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from testruns.tests.scenarios.playing import Played, play, request_for

HERE = "testruns.tests.scenarios"


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Played]:
    """What came of playing a scenario with the product's ledger; each is played once, however many tests ask."""

    @cache
    def outcome(scenario: str) -> Played:
        directory = tmp_path_factory.mktemp(scenario)
        return play(request_for(scenario, directory / "run"), stderr_path=directory / "stderr")

    return outcome


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Played]:
    """Plays a scenario with the product's ledger, or with the one that `faults:name` or `forging:name` opens."""

    def run(scenario: str, *, fault: str | None = None, **values: Any) -> Played:
        request = request_for(scenario, tmp_path / "run", **values)
        stderr_path = tmp_path / "stderr"
        if fault is None:
            return play(request, stderr_path=stderr_path)
        return play(request, opener=f"{HERE}.{fault}", stderr_path=stderr_path)

    return run
