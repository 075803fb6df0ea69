"""What tests of the API of runs stand on: a storage of their own, clients with tokens, and judged runs as rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.kernel.authority import Role
from console.kernel.models import Person
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from testruns.models import Run
from testruns.tests.gates.builders import sound_run
from testruns.tests.policies.judged import judged_run

ALL_OF_RUNS = (Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.EVIDENCE_READ)


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage of its own for evidence; rows stay in the test database."""
    settings.STORAGE = tmp_path
    yield tmp_path


@pytest.fixture
def tester(db: None) -> Person:
    """Somebody who may request, cancel and attempt again."""
    return person_with(Role.TESTER)


@pytest.fixture
def client(tester: Person) -> ApiClient:
    """The tester's program, whose token opens all of runs."""
    return api_client(tester, *ALL_OF_RUNS)


@pytest.fixture
def sound(tester: Person) -> Run:
    """A full run in which everything holds."""
    return judged_run(sound_run(), requested_by=tester)
