"""Results from elsewhere in a release: listed in the manifest, never deciding, and no build to release alone."""

from __future__ import annotations

import json

import pytest

from console import actions
from console.actions.intact import problems_of
from console.models import ReleaseRequest
from console.releases import Look, check_request
from console.releases.board import newest_build
from console.tests.releases.people import Team
from console.tests.releases.runs import clean_build
from testruns.actions import builds_that_ran, import_results, read_results
from testruns.models import Build, Run
from testruns.tests.imports.reports import NEVER_RAN, coverage, passing

pytestmark = pytest.mark.django_db


COMMIT = "4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918"


def imported(team: Team, *, junit: bytes = NEVER_RAN, build: str = "gatehouse", commit: str = COMMIT) -> Run:
    """Results that somebody brought for the commit of the build under release, red unless told otherwise."""
    files = {"junit": [junit], "coverage": [coverage(1, 1)]}
    brought = read_results(actor=team.runner, build=build, commit=commit, files=files)
    return import_results(actor=team.runner, brought=brought)


def listed(request: ReleaseRequest, run: Run) -> dict[str, object] | None:
    """What the manifest says of a run."""
    return next((one for one in json.loads(request.manifest)["runs"] if one["run"] == run.pk), None)


def test_a_green_import_alone_releases_nothing(team: Team, build: Build) -> None:
    """GO by the policy of imports; the request knows no deciding run."""
    run = imported(team, junit=passing(3))

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    found = listed(request, run)
    assert run.recommendation == "GO"
    assert found is not None
    assert (found["is_full"], found["is_deciding"], found["needs_answer"]) == (False, False, False)
    assert json.loads(request.manifest)["recommendation"] == "INCOMPLETE"


def test_a_red_import_is_listed_and_neither_decides_nor_blocks(team: Team, build: Build, runs: list[Run]) -> None:
    """Two green full runs decide; whoever signs sees the red import beside them."""
    run = imported(team)

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    found = listed(request, run)
    assert found is not None
    assert (found["recommendation"], found["profile"], found["is_deciding"]) == ("NO_GO", "import", False)
    assert json.loads(request.manifest)["recommendation"] == "GO"
    assert not list(problems_of(request))


def test_results_brought_before_the_first_run_are_listed_too(team: Team) -> None:
    """They belong to name and commit; the digest of the tree comes with the first live run."""
    run = imported(team)
    build = clean_build()

    request = actions.open_request(actor=team.opener, phase="5a", build_id=build.pk)

    assert (run.build.tree_digest, run.build.commit) == ("", build.commit)
    assert listed(request, run) is not None
    assert not list(problems_of(request))


def test_a_red_import_after_the_opening_blocks_nothing(team: Team, request_5a: ReleaseRequest) -> None:
    """Only a full run that ends red does."""
    before = _items(request_5a)

    imported(team)

    assert _items(request_5a) == before


def test_another_projects_build_is_not_offered_for_release(team: Team, build: Build, runs: list[Run]) -> None:
    """The newest run may be an import of anything."""
    imported(team, build="shop", commit="a" * 40)

    assert newest_build() == build
    assert list(builds_that_ran()) == [build]


def _items(request: ReleaseRequest) -> list[tuple[str, bool]]:
    checked = check_request(request, look=Look(now=request.opened_at))
    return [(item.code, item.is_green) for item in checked.items]
