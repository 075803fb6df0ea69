"""What tests of releases stand on: a storage of their own, people, and two green full runs of one build."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console import actions
from console.models import ReleaseRequest
from console.tests.prepared import prepared
from console.tests.releases.people import Team, make_team
from console.tests.releases.runs import clean_build, full_run
from ledger.actions import close_live_ledger
from testruns.models import Build, Run


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Evidence, signing key and the live journal lie here; rows stay in the test database."""
    close_live_ledger()
    shutil.copytree(settings.STORAGE / "keys", tmp_path / "keys")
    settings.STORAGE = tmp_path
    yield tmp_path
    close_live_ledger()


@pytest.fixture
def team(db: None) -> Team:
    """Six people, one per seat and two whose work it is."""
    return prepared("team", make_team)


@pytest.fixture
def build(db: None) -> Build:
    """What is released."""
    return prepared("build", clean_build)


@pytest.fixture
def runs(team: Team, build: Build) -> list[Run]:
    """Two green full runs of the build with different seeds."""
    return prepared("runs", lambda: [full_run(by=team.runner, build=build) for _ in range(2)])


@pytest.fixture
def request_5a(team: Team, build: Build, runs: list[Run]) -> ReleaseRequest:
    """An open request for phase 5a on sound evidence, with the live journal just verified."""

    def opened() -> ReleaseRequest:
        actions.verify_live_journal(actor=team.engineer)
        return actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    return prepared("request for 5a", opened)
