"""A copy of what tests begin with is that thing, to the last row and file, or it is no copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from console import actions
from console.kernel import audit, triggers
from console.kernel.row_digests import wrong_rows
from console.models import ReleaseRequest
from console.tests.people import person_with
from console.tests.prepared import contents, prepared
from console.tests.releases.people import make_team
from console.tests.releases.runs import clean_build, full_run
from testruns.actions.verifying import wrong_runs
from testruns.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever tests before these had made in this process: there is room, and nothing to find."""
    monkeypatch.setattr("console.tests.prepared._kept", {})


class Making:
    """Makes an open request on two runs, in an empty storage, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> ReleaseRequest:
        self.times += 1
        team, build = make_team(), clean_build()
        for _ in range(2):
            full_run(by=team.runner, build=build)
        actions.verify_live_journal(actor=team.engineer)
        return actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)


def test_a_copy_holds_the_same_rows_and_files_and_is_as_well_protected(tmp_path: Path, settings: Any) -> None:
    """Every table, every number to be given next, every file with its mode; triggers, chain and digests are sound."""
    make, found = Making(), []
    for turn in range(2):
        settings.STORAGE = tmp_path / str(turn)
        settings.STORAGE.mkdir()
        before = transaction.savepoint()
        request = prepared("a request to copy", make)
        found.append((request, contents()))
        if not turn:
            transaction.savepoint_rollback(before)

    assert make.times == 1
    assert found[0] == found[1]
    assert [run.recommendation for run in Run.objects.all()] == ["GO", "GO"]
    triggers.verify()
    assert audit.verify_chain().is_sound
    assert list(wrong_runs()) == []
    assert [one for one in wrong_rows() if one.row.startswith("console_")] == []


def test_where_something_else_is_there_already_it_is_made_anew(tmp_path: Path, settings: Any) -> None:
    """One person or one file more before it, and nothing is copied."""
    make = Making()
    for turn, extra in enumerate(("", "person", "file")):
        settings.STORAGE = tmp_path / str(turn)
        settings.STORAGE.mkdir()
        before = transaction.savepoint()
        if extra == "person":
            person_with()
        elif extra == "file":
            (settings.STORAGE / "something").write_text("else")
        prepared("a request on something", make)
        transaction.savepoint_rollback(before)

    assert make.times == 3
